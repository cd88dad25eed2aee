"""A dream by many processes."""
