"""What the commands and `dream_picture` share: network, recipe and pictures, prepared.

===========  ==============================================
preparation  `Prepared`: all that a dream needs but the picture
===========  ==============================================
"""
