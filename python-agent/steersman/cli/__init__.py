"""The command line: `steersman`, a thin skin over core.tasks with a live view of what happens."""

import gc


def main() -> None:
    """Run the command line."""
    # Until a command's work begins: nothing that is imported becomes garbage, and looking for it
    # again and again is a tenth of the time that imports take.
    gc.disable()
    # Imported when it runs: `import steersman.cli` stays free of typer.
    from steersman.cli.program import start  # noqa: PLC0415

    start()
