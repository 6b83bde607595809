"""What a model is measured by before it is published."""
