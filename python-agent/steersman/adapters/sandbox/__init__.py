"""Run commands where they can do no harm, and where nothing of them is left behind."""
