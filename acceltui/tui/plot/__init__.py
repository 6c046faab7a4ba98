"""A plot for terminals: curves of any length, drawn as characters. Knows nothing of runs."""
