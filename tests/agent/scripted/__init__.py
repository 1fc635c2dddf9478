"""The demo model and its recording."""
