"""A gradient in parts, for pictures of any size."""
