"""Tests of the shop: `python3 -m unittest` from the folder above."""
