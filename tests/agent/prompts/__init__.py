from pathlib import Path

PROMPTS = Path(__file__).parents[3] / "prompts"

TOOLS = (
    "list_files",
    "read_file",
    "search_files",
    "write_file",
    "edit_file",
    "execute_terminal_command",
    "read_output",
    "ask_user",
    "finish_task",
)
