"""A target takes any bytes as one of the files that strangers send: they are read, or refused in one line.

Anything else, an exception of another kind or a result that is impossible, is a finding. `run.py` looks for findings;
those of the past are kept in `corpus/`, which `test_corpus.py` goes through.
"""

import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import numpy as np
from PIL import Image

from pydream.dream.objectives import MOST_CHANNELS
from pydream.errors import PydreamError, StudioError
from pydream.formats import FORMATS, InputSpec, caffe, format_of, keras, onnx, read_mean, read_vector
from pydream.formats import graphdef as frozen
from pydream.formats.caffe import caffe_pb2
from pydream.formats.caffe.caffemodel import Caffemodel, read_binary
from pydream.formats.caffe.snapshot import read_snapshot
from pydream.formats.keras import apart
from pydream.media import video
from pydream.media.image import decode_image, read_note
from pydream.media.whole import look_at
from pydream.record import film as film_file
from pydream.record import loop as checkpoint
from pydream.record import provenance
from pydream.runtime.geometry import survey
from pydream.runtime.layers import Shape
from pydream.studio import folder, uploads
from pydream.studio.checking import check
from pydream.studio.orders import Order
from pydream.zoo.archives import take_member
from pydream.zoo.assemble import from_onnx
from pydream.zoo.registry import read_entry

sys.path.append(str(Path(__file__).parents[1]))
from support.readers import Readers

CORPUS = Path(__file__).with_name("corpus")
MOST_PIXELS = 2**20  # for `PIL.Image.MAX_IMAGE_PIXELS` in place of 89 million, to be refused sooner
MOST_FRAMES = video.Section(0, 50)
_SHARD = Path("variables", "variables.data-00000-of-00001")
COPIED: dict[str, list[Shape]] = {"a": [(2, 3, 1, 1), (2,)], "b/c": [(1, 2), (1,)]}  # a network's weights
BOUNDARY = b"xYzZy"  # of a form
ENTRY = "0123456789abcdef" * 4  # the id of a picture that the studio knows
MEMBER, MEMBER_BYTES = "inner/net.pb", 100  # the only member that is unpacked from a zip file

READING = 10  # seconds, in place of two minutes

readers = Readers()

Target = Callable[[bytes], None]


_folder = tempfile.TemporaryDirectory(prefix="pydream-fuzz-")  # removed with the process


def _file(data: bytes, suffix: str) -> Path:
    path = Path(_folder.name, f"stranger{suffix}")
    path.write_bytes(data)
    return path


def network(data: bytes) -> None:
    """Any file that is said to be a network: up to its format."""
    assert format_of(_file(data, ".bin")) in FORMATS


def prototxt(data: bytes) -> None:
    """A network in words: up to the shapes and costs of its blobs."""
    path = _file(data, ".prototxt")
    graph = caffe.graph(path, InputSpec())
    assert {fact.name for fact in survey(graph, graph.declared)} == set(graph.blobs)


def caffemodel(data: bytes) -> None:
    """A network with its weights: up to the arrays; the numbers are those that protobuf itself reads."""
    path = _file(data, ".caffemodel")
    _compare(read_binary(path), caffe_pb2.NetParameter.FromString(data))
    _, params = caffe.read(path)
    for arrays in params.values():
        assert all(np.isfinite(array).all() for array in arrays)
        assert sum(array.nbytes for array in arrays) <= 8 * len(data)


def _compare(stored: Caffemodel, whole: Any) -> None:
    messages = whole.layers or whole.layer
    if any(layer.HasField("layer") for layer in whole.layers):
        messages = [layer.layer for layer in whole.layers]
    layers = {layer.name: layer for layer in messages if layer.blobs}
    assert layers.keys() == stored.blobs.keys()
    for name, blobs in stored.blobs.items():
        for blob, wanted in zip(blobs, layers[name].blobs, strict=True):
            assert np.array_equal(blob.numbers.read(), list(wanted.double_data or wanted.data), equal_nan=True)


def snapshot(data: bytes) -> None:
    """Weights in HDF5: up to the numbers, which are in the file."""
    stored = read_snapshot(_file(data, ".caffemodel.h5"))
    for blobs in stored.blobs.values():
        for blob in blobs:
            assert blob.numbers.read().nbytes <= len(data)


def graphdef(data: bytes) -> None:
    """A frozen TensorFlow graph: up to the shapes and costs of its blobs, with its constants computed."""
    graph, _ = frozen.read(_file(data, ".pb"))
    assert {fact.name for fact in survey(graph, graph.declared)} == set(graph.blobs)


def graph_text(data: bytes) -> None:
    """The same in words."""
    graph, _ = frozen.read(_file(data, ".pbtxt"))
    assert {fact.name for fact in survey(graph, graph.declared)} == set(graph.blobs)


def onnx_network(data: bytes) -> None:
    """An ONNX network: up to the shapes and costs of its blobs, with its constants computed."""
    graph, _, _ = onnx.read(_file(data, ".onnx"))
    assert {fact.name for fact in survey(graph, graph.declared)} == set(graph.blobs)


def keras_config(data: bytes) -> None:
    """The configuration of a Keras model, with weights for another one."""
    _keras(_file(_archive(data, _plain("keras_weights")), ".keras"))


def keras_weights(data: bytes) -> None:
    """The weights of a Keras model."""
    _keras(_file(_archive(_plain("keras_config"), data), ".keras"))


def keras_archive(data: bytes) -> None:
    """A whole ``.keras`` file."""
    _keras(_file(data, ".keras"))


def keras_hdf5(data: bytes) -> None:
    """A whole ``.h5`` file."""
    _keras(_file(data, ".h5"))


def saved_graph(data: bytes) -> None:
    """The graph of a SavedModel, with variables for another one."""
    _keras(_saved(graph=data))


def saved_index(data: bytes) -> None:
    """The index of a SavedModel's variables."""
    _keras(_saved(index=data))


def saved_data(data: bytes) -> None:
    """The values of a SavedModel's variables."""
    _keras(_saved(data=data))


def _keras(path: Path) -> None:
    """Read a file in a process apart, and its graph here: up to the shapes and costs of its blobs."""
    with mock.patch.object(apart, "start", readers.start), mock.patch.object(apart, "_SECONDS", READING):
        try:
            graph = keras.graph(path, InputSpec())
        except PydreamError as error:
            if apart.UNFORESEEN in str(error):
                raise AssertionError(str(error)) from error
            raise
    assert {fact.name for fact in survey(graph, graph.declared)} == set(graph.blobs)


def _archive(config: bytes, weights: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (("metadata.json", b"{}"), ("config.json", config), ("model.weights.h5", weights)):
            archive.writestr(name, content)
    return file.getvalue()


def _saved(**members: bytes) -> Path:
    folder = Path(_folder.name, "saved")
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    places = {"graph": apart.GRAPH_FILE, "index": apart.VARIABLES, "data": _SHARD}
    for name, place in places.items():
        (folder / place).write_bytes(members.get(name, _plain(f"saved_{name}")))
    return folder / apart.GRAPH_FILE


def _plain(name: str) -> bytes:
    return (CORPUS / name / "plain").read_bytes()


def image(data: bytes) -> None:
    """A picture: up to its pixels."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MOST_PIXELS
    try:
        look_at(_file(data, ".png"))
        pixels = decode_image(io.BytesIO(data), "stranger")
    finally:
        Image.MAX_IMAGE_PIXELS = before
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert 0 < pixels.size <= 3 * MOST_PIXELS


def metadata(data: bytes) -> None:
    """How a picture was made, as it says itself: up to a recipe."""
    path = _file(data, ".png")
    note = read_note(path)  # in any format, whatever the name
    assert note is None or isinstance(note, str)
    provenance.read_provenance(path)


def sidecar(data: bytes) -> None:
    """The same as text beside the picture."""
    made = provenance.read_provenance(_file(data, ".json"))
    assert provenance.parse(made.to_json()) == made


def resume(data: bytes) -> None:
    """The files of a stopped zoom loop: up to its last frame."""
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
    """The file of a stopped `pydream video`: up to how the film is made."""
    left = film_file.load(_file(data, ".json"))
    assert left is not None
    assert not left.unlike(left)


def archive(data: bytes) -> None:
    """A zip file from a server: up to the one member that is wanted."""
    path = _file(data, ".zip")
    taken = path.with_name("taken")
    taken.unlink(missing_ok=True)
    take_member(path, MEMBER, taken, MEMBER_BYTES)
    assert taken.stat().st_size <= MEMBER_BYTES


def tarball(data: bytes) -> None:
    """A compressed tar file from a server: up to the one member that is wanted, of unknown size."""
    path = _file(data, ".tar.gz")
    taken = path.with_name("taken")
    taken.unlink(missing_ok=True)
    take_member(path, MEMBER, taken, None, MEMBER_BYTES)
    assert taken.stat().st_size <= MEMBER_BYTES


def onnx_copy(data: bytes) -> None:
    """An ONNX file that has the numbers of a network that is known: up to the arrays that it wants."""
    wanted = from_onnx(_file(data, ".onnx"))
    for layer, shapes in COPIED.items():
        arrays = wanted(layer, shapes)
        assert [array.shape for array in arrays] == shapes
        assert sum(array.nbytes for array in arrays) <= len(data)


def readme(data: bytes) -> None:
    """The front matter of a network's README."""
    entry = read_entry(_file(data, ".md"))
    assert len(entry.mean) in (1, 3)


def mean(data: bytes) -> None:
    """A mean file: up to one number a channel."""
    numbers = read_mean(_file(data, ".npy"))
    assert len(numbers) in (1, 3)
    assert np.isfinite(numbers).all()


def vector(data: bytes) -> None:
    """A direction: up to a number for each channel."""
    numbers = read_vector(_file(data, ".npy"), MOST_CHANNELS)
    assert numbers.ndim == 1
    assert numbers.nbytes <= len(data)


def film_frame(data: bytes) -> None:
    """What a frame of a film says of itself."""
    made = film_file.read_frame(data.decode("utf-8", "surrogateescape"))
    assert film_file.read_frame(made.to_json()) == made


def order(data: bytes) -> None:
    """What a client asks of the studio: up to the terms of its objective, in the network's outline."""
    try:
        wanted = msgspec.json.decode(data, type=Order)
    except (msgspec.DecodeError, RecursionError) as error:
        raise StudioError("no order") from error
    assert msgspec.json.decode(msgspec.json.encode(wanted), type=Order) == wanted
    check(wanted, (60, 80))


def form(data: bytes) -> None:
    """The form of an upload, in two pieces: up to the one file that is in it."""
    reader = uploads._Form(BOUNDARY)
    came = reader.take(data[: len(data) // 2]) + reader.take(data[len(data) // 2 :])
    reader.check()
    assert came in data
    reader.name.encode()


def entry(data: bytes) -> None:
    """What the studio keeps of a picture that was sent."""
    path = Path(_folder.name, f"{ENTRY}.json")
    path.write_bytes(data)
    found = folder.read_entry(path)
    assert found is None or found.id == ENTRY


_KERAS = (keras_config, keras_weights, keras_archive, keras_hdf5, saved_graph, saved_index, saved_data)
_ALL = (
    network,
    prototxt,
    caffemodel,
    snapshot,
    graphdef,
    graph_text,
    *_KERAS,
    image,
    metadata,
    sidecar,
    resume,
    film,
    film_left,
    archive,
    tarball,
    onnx_copy,
    onnx_network,
    readme,
    mean,
    vector,
    film_frame,
    order,
    form,
    entry,
)
TARGETS: dict[str, Target] = {target.__name__: target for target in _ALL}


def feed(name: str, data: bytes) -> None:
    """Run a target on bytes; an exception is a finding."""
    try:
        TARGETS[name](data)
    except PydreamError as error:
        text = str(error)
        if not text or "\n" in text or "\r" in text:
            raise AssertionError(f"not one line: {text!r}") from error
