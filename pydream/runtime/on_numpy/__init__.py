"""NumPy as a runtime: the formulas, to be read."""
