"""A dream in one call, and what the commands share with it.

===========  ==========================================================
call         `dream_picture`: the command line's words as arguments
result       `Dream`: a picture that shows itself, and saves its record
inputs       a path, Pillow's picture or an array → 8-bit RGB
live         a bar, the picture so far, interrupts between two steps
preparation  `Prepared`: network, recipe, guide and mask
===========  ==========================================================

Its public names are those of `pydream`.
"""
