"""
A class by name
===============

``class_`` names one of ImageNet's thousand classes, or a word for several of them.
"""

import pydream

dream = pydream.dream_picture(
    "../../examples/sky.jpg",
    class_="flamingo",
    laplacian=3,
    iterations=20,
    long_side=320,
    seed=0,
    progress=False,
)

# %%
# The same on the command line:
print(dream.command)
