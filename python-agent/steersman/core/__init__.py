"""Pure decisions about tasks: events, state, the loop. Standard library and pydantic only."""
