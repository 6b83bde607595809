"""Readers: each a small file of its own, called by its recipe name."""
