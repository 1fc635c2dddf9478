"""Mutants: each rule of the protocol switched off, and the tests that must notice."""
