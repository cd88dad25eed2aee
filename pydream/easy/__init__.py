"""A dream in one call, and what the commands share with it.

===========  ==========================================================
call         `dream_picture`: the command line's words as arguments
result       `Dream`: a picture that shows itself, and saves its record
look         a preset, and what was said over it, for a picture's size
inputs       a path, Pillow's picture or an array → 8-bit RGB
live         a bar, the picture so far, interrupts between two steps
preparation  `Prepared`: network, recipe, guide and mask; `others`: other networks beside it
loop         `ZoomRun`: a zoom loop, frame by frame into a folder
film         `FilmRun`: the same of a film that is dreamt on
snippet      a dream's call of `dream_picture`, written down
export       `export_onnx`: a step's gradient as an ONNX file
prediction   `classify`: what a network takes a picture for
atlas        `activation_atlas`: what a layer makes of many pictures, as a map
layout       vectors → groups → a map of them, in whole numbers
factors      `activation_factors`: what a layer sees in a picture, in a few parts
grid         `activation_grid`: what a layer makes of each place of a picture
failure      any error in one line
===========  ==========================================================

Its public names are those of `pydream`.
"""
