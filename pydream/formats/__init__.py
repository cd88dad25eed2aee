"""Network files → a graph and its weights."""
