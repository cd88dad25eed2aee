"""Measurements: contests, whose results are compared before anything is timed, and dreams in a process of their own."""
