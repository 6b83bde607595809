"""Vectors with keys, by parts: keys, rows, search, tests of quality, and files."""
