"""The tools: one file each with a `TOOL`. A new file and a line in roles.toml add one."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from steersman.core.tool import Tool


def load_tools() -> Mapping[str, Tool]:
    """Find every tool of this package, by name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    tools: list[Tool] = [module.TOOL for module in modules if hasattr(module, "TOOL")]
    return {tool.name: tool for tool in sorted(tools, key=lambda tool: tool.name)}
