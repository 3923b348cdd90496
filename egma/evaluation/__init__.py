"""Figures with their intervals: metrics of classification and grounding, the bootstrap, the model card's numbers."""
