"""The engines: where the work of a recipe runs. One module for each, named as the engine is."""
