"""The training core, called: matrices, trees, threads, training, inference."""
