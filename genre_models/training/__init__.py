"""Data, training loop and honest evaluation of the genre classifiers."""
