"""The processes that decode pictures and dream."""
