"""The recipe of egma-mini: `python -m egma.finetune.mini` makes checkpoints/egma-mini again from films and words."""
