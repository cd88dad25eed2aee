"""A dream by many processes.

=======  ==============================================================================
tasks    a dream, or a tile of one, put so that any process makes the same or refuses
workers  processes that tasks are sent to, here or on other machines, by Dask
=======  ==============================================================================
"""
