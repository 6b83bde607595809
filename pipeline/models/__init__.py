"""The models that people know by name, and the one that all of them are made of."""
