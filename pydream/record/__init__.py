"""A dream, written down: the recipe, which decides its pixels, and the ingredients, which went in beside it.

==========  =================================================================
recipe      what decides a dream's pixels, and `follow`, which dreams by it
presets     named recipes
scoring     layers and classes, as the command line has them, as an objective
provenance  what a file says of how it was made: `DreamAccount`, `Figure`
film        `Film`, the same of a film, which resumes a stopped one
loop        the checkpoint of a zoom loop
frames      a folder of numbered pictures, which a stopped run leaves
made        whether a file is a result of an earlier run, and whole
command     the command line that makes a dream again
replay      a picture that was made again, compared with what it was
names       files in an account: names without folders
text        accounts as JSON, whatever bytes a name is made of
==========  =================================================================
"""

from .film import Film
from .presets import PRESETS, Preset, params_for
from .provenance import DreamAccount, Figure, Ingredients, NetFacts, PictureFacts, read_provenance
from .recipe import Loop, Recipe, Rendering, follow

__all__ = [
    "PRESETS",
    "DreamAccount",
    "Figure",
    "Film",
    "Ingredients",
    "Loop",
    "NetFacts",
    "PictureFacts",
    "Preset",
    "Recipe",
    "Rendering",
    "follow",
    "params_for",
    "read_provenance",
]
