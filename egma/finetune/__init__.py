"""Training. `python -m egma.finetune.mini` makes checkpoints/egma-mini again from films and report sentences."""
