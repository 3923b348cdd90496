"""Values into pixels, layers, rows and sentences: pure functions that know nothing of the web framework."""
