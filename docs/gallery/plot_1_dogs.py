"""
Dogs in the clouds
==================

The preset ``dogs``: channels of the built-in network that answer to dogs.
"""

import pydream

dream = pydream.dream_picture(
    "../../examples/sky.jpg",
    preset="dogs",
    long_side=320,
    seed=0,
    progress=False,
)

# %%
# The same on the command line:
print(dream.command)
