"""Report texts scored against references as the captioning toolkit pycocoevalcap does, without needing Java."""
