"""Figures with their intervals: metrics of classification and grounding, the bootstrap, and the model card's numbers."""
