"""Recordings that readers have open: how they get in, what is kept of them, and what may leave."""
