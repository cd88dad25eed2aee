"""
The picture's own colours
=========================

Only brightness dreams; colours stay those of the photograph.
"""

import pydream

dream = pydream.dream_picture(
    "../../examples/flowers.jpg",
    preset="dogs",
    keep_colors=True,
    long_side=320,
    seed=0,
    progress=False,
)

# %%
# The same on the command line:
print(dream.command)
