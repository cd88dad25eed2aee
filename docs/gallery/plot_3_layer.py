"""
An early layer
==============

Early layers draw strokes and textures, late ones things.
"""

import pydream

dream = pydream.dream_picture(
    "../../examples/flowers.jpg",
    layer="fire3/concat",
    long_side=320,
    seed=0,
    progress=False,
)

# %%
# The same on the command line:
print(dream.command)
