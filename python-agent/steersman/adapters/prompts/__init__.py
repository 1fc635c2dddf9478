"""The texts of `prompts/`: the team from `roles.toml`, the prompts from Jinja2 files.

Everything is read once. A mistake in these files is a ConfigurationError of one line that names
the file, the line and what was expected.
"""

from steersman.adapters.prompts.team import load_team
from steersman.adapters.prompts.templates import EARLIER, NEXT_ACTION, JinjaPrompts, rehearse

__all__ = ["EARLIER", "NEXT_ACTION", "JinjaPrompts", "load_team", "rehearse"]
