"""Homes as whole processes need them."""

from tests.agent.e2e.conftest import home

__all__ = ["home"]
