"""The wiring: which adapter stands behind which port, what is started and in which order it ends."""
