"""Tests of every component."""
