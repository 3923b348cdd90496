"""Training: `mini/` is the recipe that made checkpoints/egma-mini."""
