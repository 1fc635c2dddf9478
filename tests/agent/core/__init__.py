"""Tests of the pure core and of the loop."""
