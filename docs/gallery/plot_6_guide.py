"""
Guided by another picture
=========================

Each place looks for its best match in the guide, as in the notebook of 2015.
"""

import pydream

dream = pydream.dream_picture(
    "../../examples/sky.jpg",
    layer="fire5/concat",
    guide="../../examples/flowers.jpg",
    long_side=320,
    seed=0,
    progress=False,
)

# %%
# The same on the command line:
print(dream.command)
