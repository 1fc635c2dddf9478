"""One thing of the outside world each; adapters never import one another."""
