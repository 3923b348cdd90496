"""Data sets as their owners lay them out: one file a reader, and a catalogue of what lies where and who lends it."""
