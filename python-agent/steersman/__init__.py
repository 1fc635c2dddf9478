"""Steersman: a self-hosted team of AI agents that people watch, stop, steer and approve."""

__version__ = "0.1.0"
