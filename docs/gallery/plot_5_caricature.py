"""
More of what is there
=====================

``caricature``: the activations climb along the picture's own.
"""

import pydream

dream = pydream.dream_picture(
    "../../examples/sky.jpg",
    layer="fire5/concat",
    caricature=2,
    iterations=30,
    step_size=3,
    long_side=320,
    seed=0,
    progress=False,
)

# %%
# The same on the command line:
print(dream.command)
