"""The sandbox and its launcher, against real processes."""
