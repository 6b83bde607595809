"""Recipes: read, checked as a whole, described."""
