"""The dream: picture → picture, on any `pydream.net.Net`.

========== ==========================================================
notebook   `make_step` and `deepdream`, in the notebook's order
params     bounds and checks of their parameters, and the layers named
images     picture ↔ the network's image; noise
octaves    sizes, and the picture at each
objectives what grows; `labels`: classes by name
retouch    changes to each step and to the result
laplacian  bands of detail
spectrum   frequencies and colours as in natural pictures
moved      a network that sees the picture scaled and turned
together   networks that see one picture, and the sum of their gradients
watch      an observer of a dream
work       how much of it is done, in pixels
era        what libraries of 2015 computed otherwise
zoom       the notebook's last loop; `keyframes`: numbers that change over its frames
film       the frames of a film; `flow`: motion between them
tutorial   the four renderers of 2016; `renderers`: one of today, too
========== ==========================================================

Its public names are those of `pydream`.
"""
