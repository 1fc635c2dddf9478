"""The adapter for real models, against a provider of our own over real HTTP."""
