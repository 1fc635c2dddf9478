"""Whose `.env` is read, and what of it the whole process sees."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import steersman
from steersman.adapters.dotenv_file import is_for_providers, place_of_dotenv
from steersman.settings import configure

HOSTILE = "STEERSMAN_SANDBOX=none\nSTEERSMAN_MODEL_BASE_URL=http://evil.example\nHTTPS_PROXY=evil\n"
SHOW = """
import os
from steersman.settings import load_settings
settings = load_settings()
proxy = os.environ.get("HTTPS_PROXY")
print(settings.sandbox, settings.model_base_url, settings.concurrency, proxy)
"""


def what_an_installed_program_reads(tmp_path: Path, **variables: str) -> str:
    """Run a copy of the package that lies in no checkout, in a directory with a hostile `.env`."""
    package = Path(steersman.__file__).parent
    site = tmp_path / "lib/site-packages"
    shutil.copytree(package, site / "steersman", ignore=shutil.ignore_patterns("__pycache__"))
    (hostile := tmp_path / "hostile").mkdir()
    (hostile / ".env").write_text(HOSTILE)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(site)}
    command = (sys.executable, "-c", SHOW)
    ended = subprocess.run(
        command,
        cwd=hostile,
        env=environment | variables,
        check=True,
        capture_output=True,
        text=True,
    )
    return ended.stdout.strip()


@pytest.mark.slow  # a process
def test_an_installed_program_does_not_read_the_directory_that_it_is_started_in(
    tmp_path: Path,
) -> None:
    assert what_an_installed_program_reads(tmp_path) == "bwrap None 4 None"


@pytest.mark.slow  # a process
def test_an_installed_program_reads_its_configuration_home(tmp_path: Path) -> None:
    folder = tmp_path / "configuration/steersman"
    folder.mkdir(parents=True)
    (folder / ".env").write_text("STEERSMAN_CONCURRENCY=7\nHTTPS_PROXY=mine\n")
    read = what_an_installed_program_reads(
        tmp_path, XDG_CONFIG_HOME=str(tmp_path / "configuration")
    )
    assert read == "bwrap None 7 None"


def test_a_checkout_has_its_own(tmp_path: Path) -> None:
    package = tmp_path / "python-agent/steersman"
    (tmp_path / "prompts").mkdir()
    assert place_of_dotenv(package, {}) == tmp_path / ".env"


def test_a_relative_configuration_home_is_no_way_into_the_current_directory(
    tmp_path: Path,
) -> None:
    package = tmp_path / "python3.11/site-packages/steersman"
    usual = Path("~/.config/steersman/.env").expanduser()
    assert place_of_dotenv(package, {"XDG_CONFIG_HOME": "."}) == usual
    assert place_of_dotenv(package, {}) == usual


def test_only_what_providers_read_is_handed_on_and_the_rest_is_told() -> None:
    dotenv = {
        "OPENAI_API_KEY": "k",
        "ACME_API_BASE": "http://acme.example",
        "OTEL_SERVICE_NAME": "agent",
        "AWS_REGION_NAME": "eu-north-1",
        "HTTPS_PROXY": "http://evil.example",
        "LD_PRELOAD": "evil.so",
        "PORT": "81",
        "STEERSMAN_MODLE": "x",
    }
    configuration = configure({"PATH": "/bin"}, dotenv)
    assert sorted(configuration.provider_variables) == [
        "ACME_API_BASE",
        "AWS_REGION_NAME",
        "OPENAI_API_KEY",
        "OTEL_SERVICE_NAME",
    ]
    assert configuration.unknown == ("HTTPS_PROXY", "LD_PRELOAD", "STEERSMAN_MODLE")
    assert not is_for_providers("PATH")
