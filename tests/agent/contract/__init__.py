"""The Python side of the golden files."""
