"""What a model that goes on from a version needs: old text, old rows, and what leaves."""
