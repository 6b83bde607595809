"""The store of a model's versions."""
