"""Tests of python-agent."""
