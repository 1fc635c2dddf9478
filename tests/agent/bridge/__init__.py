"""The bridge and the tokens of the gateway."""
