"""A target takes any bytes as one of the files that strangers give: it is read, or refused in one line.

Whatever else comes out of a target, an exception of another kind, a file that was read to something impossible, is a
finding. `run.py` looks for them; what it found is kept in `corpus/`, which `test_corpus.py` goes through.
"""

import io
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from pydream.errors import PydreamError
from pydream.formats.caffe.layers import graph_of
from pydream.formats.caffe.prototxt import read_binary, read_text
from pydream.formats.caffe.weights import weights_of
from pydream.formats.graphdef import read as read_frozen
from pydream.media import video
from pydream.media.image import decode_image, read_note
from pydream.record import provenance
from pydream.record import resume as checkpoint
from pydream.runtime.geometry import survey
from pydream.zoo.fetch import take_member
from pydream.zoo.registry import read_entry

CORPUS = Path(__file__).with_name("corpus")
MOST_PIXELS = 2**20  # as `PIL.Image.MAX_IMAGE_PIXELS` in place of 89 million: what is refused there is refused here
MOST_FRAMES = video.Section(0, 50)
MEMBER, MEMBER_BYTES = "inner/net.pb", 100  # the only one that is taken out of a zip file

Target = Callable[[bytes], None]


_folder = tempfile.TemporaryDirectory(prefix="pydream-fuzz-")  # goes with the process


def _file(data: bytes, suffix: str) -> Path:
    path = Path(_folder.name, f"stranger{suffix}")
    path.write_bytes(data)
    return path


def prototxt(data: bytes) -> None:
    """A network in words: up to the shapes and costs of its blobs."""
    path = _file(data, ".prototxt")
    graph = graph_of(read_text(path), str(path))
    assert {fact.name for fact in survey(graph, graph.declared)} == set(graph.blobs)


def caffemodel(data: bytes) -> None:
    """A network with its weights: up to the arrays."""
    path = _file(data, ".caffemodel")
    net = read_binary(path)
    graph = graph_of(net, str(path))
    for arrays in weights_of(net, graph.params, np.dtype("float32"), str(path)).values():
        assert all(np.isfinite(array).all() for array in arrays)
        assert sum(array.nbytes for array in arrays) <= 8 * len(data)


def graphdef(data: bytes) -> None:
    """A frozen TensorFlow graph: up to the shapes and costs of its blobs, with its constants computed."""
    graph, _ = read_frozen(_file(data, ".pb"))
    assert {fact.name for fact in survey(graph, graph.declared)} == set(graph.blobs)


def image(data: bytes) -> None:
    """A picture: up to its pixels."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MOST_PIXELS
    try:
        pixels = decode_image(io.BytesIO(data), "stranger")
    finally:
        Image.MAX_IMAGE_PIXELS = before
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert 0 < pixels.size <= 3 * MOST_PIXELS


def metadata(data: bytes) -> None:
    """What a picture says of itself: up to a recipe."""
    path = _file(data, ".png")
    note = read_note(path)  # whatever the format, in spite of the name
    assert note is None or isinstance(note, str)
    provenance.read_provenance(path)


def sidecar(data: bytes) -> None:
    """The same as text beside the picture."""
    made = provenance.read_provenance(_file(data, ".json"))
    assert provenance.parse(made.to_json()) == made


def resume(data: bytes) -> None:
    """What a zoom loop left: up to its last frame."""
    left = checkpoint.load(_file(data, ".npz"))
    assert left is not None
    assert left.frame.shape == (left.loop.input.height, left.loop.input.width, 3)


def film(data: bytes) -> None:
    """A film: up to its frames, and its sound in another film."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MOST_PIXELS
    try:
        footage = video.read_video(_file(data, ".film"), MOST_FRAMES)
        frames = list(footage.frames())
    finally:
        Image.MAX_IMAGE_PIXELS = before
    assert 0 < len(frames) == len(footage) <= 50
    assert all(later > now for now, later in pairwise(footage.times.ticks))
    for frame in frames:
        assert (frame.dtype, frame.shape) == (np.uint8, (*footage.size, 3))
        assert frame.size <= 3 * MOST_PIXELS
    if footage.sound is not None:
        video.write_video(Path(_folder.name, "out.mp4"), frames[:1], sound=footage.sound)


def film_left(data: bytes) -> None:
    """What a stopped `pydream video` left: up to what the film was to be."""
    left = checkpoint.load_film(_file(data, ".json"))
    assert left is not None
    assert not list(checkpoint.differences(left, left))


def archive(data: bytes) -> None:
    """A zip file that a server gave: up to the one member that is wanted."""
    path = _file(data, ".zip")
    taken = path.with_name("taken")
    taken.unlink(missing_ok=True)
    take_member(path, MEMBER, taken, MEMBER_BYTES)
    assert taken.stat().st_size <= MEMBER_BYTES


def readme(data: bytes) -> None:
    """The front matter of a network's README."""
    entry = read_entry(_file(data, ".md"))
    assert len(entry.mean) == 3


_ALL = (prototxt, caffemodel, graphdef, image, metadata, sidecar, resume, film, film_left, archive, readme)
TARGETS: dict[str, Target] = {target.__name__: target for target in _ALL}


def feed(name: str, data: bytes) -> None:
    """Give bytes to a target; raises for what is a finding."""
    try:
        TARGETS[name](data)
    except PydreamError as error:
        text = str(error)
        if not text or "\n" in text or "\r" in text:
            raise AssertionError(f"not one line: {text!r}") from error
