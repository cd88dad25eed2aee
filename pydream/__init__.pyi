from .dream import objectives, renderers, retouch, tutorial
from .dream.film import dream_frames
from .dream.images import deprocess, preprocess
from .dream.notebook import DreamInterrupted, deepdream, make_step
from .dream.objectives import objective_guide, objective_L2
from .dream.together import Also, Together
from .dream.watch import Watch
from .dream.zoom import zoom_frame, zoom_loop
from .easy.atlas import activation_atlas
from .easy.call import dream_picture
from .easy.export import export_onnx
from .easy.factors import activation_factors
from .easy.grid import activation_grid
from .easy.live import Preview as Preview
from .easy.prediction import classify
from .easy.result import Dream
from .errors import PydreamError
from .media import video
from .zoo.load import load_net

__version__: str

__all__ = [
    "Also",
    "Dream",
    "DreamInterrupted",
    "Preview",
    "PydreamError",
    "Together",
    "Watch",
    "activation_atlas",
    "activation_factors",
    "activation_grid",
    "classify",
    "deepdream",
    "deprocess",
    "dream_frames",
    "dream_picture",
    "export_onnx",
    "load_net",
    "make_step",
    "objective_L2",
    "objective_guide",
    "objectives",
    "preprocess",
    "renderers",
    "retouch",
    "tutorial",
    "video",
    "zoom_frame",
    "zoom_loop",
]
