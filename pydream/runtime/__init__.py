"""Layers, linked, and the runtimes that run them."""
