"""Measurements: contests, whose results are compared before anything is timed, and dreams in a process of their own.

    report      all that `pydream bench` measures, as text and for JSON; plot draws it
    timing      contests: several ways to compute one thing, timed in turns
    operations  the image side: C++ against NumPy
    network     the network side: a gradient, against the floor of its arithmetic
    floor       multiplications, and the rate of a matrix product
    whole       a dream in a process of its own: time, memory, and what takes them
    clock       a network that times its passes
    inputs      pictures and gradients to measure on
    machine     processor, cores, threads, versions
    table       text tables and numbers

Nothing here is public: the commands `pydream bench` and `pydream reproduce` and the scripts in benchmarks/ use it.
"""
