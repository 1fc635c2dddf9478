from pathlib import Path

PROMPTS = Path(__file__).parents[3] / "prompts"
