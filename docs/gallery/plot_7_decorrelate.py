"""
Soft shapes
===========

The step's spectrum and its colours become those of natural pictures.
"""

import pydream

dream = pydream.dream_picture(
    "../../examples/sky.jpg",
    preset="dogs",
    decorrelate=1,
    decorrelate_color=True,
    long_side=320,
    seed=0,
    progress=False,
)

# %%
# The same on the command line:
print(dream.command)
