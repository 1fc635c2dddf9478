"""The command line: `steersman`, a thin skin over core.tasks with a live view of what happens."""


def main() -> None:
    """Run the command line."""
    # Imported when it runs: `import steersman.cli` stays free of typer.
    from steersman.cli.program import start  # noqa: PLC0415

    start()
