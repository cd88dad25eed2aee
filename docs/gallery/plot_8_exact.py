"""
Caffe's bytes
=============

float64: the bytes that Caffe makes, on any machine. The network's own layer, as in the golden result.
"""

import pydream

dream = pydream.dream_picture(
    "../../examples/sky.jpg",
    exact=True,
    octaves=2,
    long_side=320,
    seed=0,
    progress=False,
)

# %%
# The same on the command line:
print(dream.command)
