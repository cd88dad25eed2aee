"""A dream, written down."""
