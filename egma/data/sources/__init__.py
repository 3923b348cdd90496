"""Data sets in their own layouts, each one turned into `egma.data` samples: one file a layout."""
