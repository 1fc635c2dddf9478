"""The wiring: which adapter stands behind which port, and in which order it starts and ends."""
