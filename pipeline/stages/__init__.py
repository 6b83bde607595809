"""The stages of a recipe: one small module for each, named as the stage is."""
