"""Write the small files that fuzzing starts from: `python tests/fuzz/make_corpus.py`.

They are in the repository; run this after adding a target or a kind of file. Findings are not made here.
"""

import gzip
import io
import json
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import msgspec
import numpy as np
import onnx
from google.protobuf import text_format
from PIL import Image, ImageCms, PngImagePlugin
from targets import BOUNDARY, COPIED, CORPUS, ENTRY, MEMBER, MEMBER_BYTES

sys.path.insert(0, str(Path(__file__).parents[1]))
import tensorflow as tf
from support import clips, graphs, kerasnets, nets, tiffs

from pydream.formats.caffe import caffe_pb2
from pydream.media.image import FORMATS, encode_image
from pydream.record import loop as checkpoint
from pydream.record.film import Film, FilmFrame
from pydream.record.provenance import DreamAccount, NetFacts, PictureFacts
from pydream.record.recipe import Loop, Recipe

HASH = "0123456789abcdef" * 4
NETWORK = NetFacts(
    name="squeezenet_v1.1",
    weights="w.caffemodel",
    weights_sha256=HASH,
    definition_sha256=HASH,
    dtype="float64",
    runtime="numpy",
    device="CPU:0",
)
START = PictureFacts(name="in.png", width=3, height=2, sha256=HASH)
RECIPE = Recipe(end="conv", seed=7, loop=Loop(frame=1, scale=0.05, rotate=0.0, shift=(0.0, 1.0)), noise=(2, 3), steps=3)
FILM: dict[str, Any] = {
    "film": "video",
    "command": "pydream video in.mp4 dream.mp4",
    "recipe": msgspec.structs.replace(RECIPE, loop=None),
    "network": NETWORK,
    "input": START,
    "first": 0,
    "frames": 2,
    "size": (2, 3),
    "blend": 0.5,
    "flow": True,
    "cut": 20.0,
    "versions": {"av": "18"},
}
ONNX = Path(__file__).parents[1] / "data" / "onnx"
ORDERS: dict[str, dict[str, Any]] = {
    "dream": {"kind": "dream", "layer": ["fire8/squeeze1x1:1,3-5@center=-0.5", "conv10"], "objective": "mean"},
    "class": {"kind": "dream", "classes": ["flamingo=2"], "recipe": {"octave_n": "auto", "size": [50, 70]}},
    "preset": {"kind": "dream", "picture": ENTRY, "preset": "dogs", "strength": 0.5, "recipe": {"decorrelate": 0.5}},
    "loop": {
        "kind": "zoom",
        "frames": 9,
        "scale": {"keyframes": [[0, 0.05], [8, 0.1]]},
        "shift": [0, 1],
        "layer": ["fire7/concat=0:1,8:2"],
        "ease": "smooth",
        "hold": "both",
    },
    "sheet": {
        "kind": "sweep",
        "rows": {"parameter": "iter_n", "values": [1, 2]},
        "columns": {"parameter": "layer", "values": ["fire5/concat", "fire6/concat:2"]},
    },
    "film": {"kind": "film", "picture": ENTRY, "guide": ENTRY, "first": 1, "frames": 3, "carry": 0.3, "flow": True},
}
NEW = nets.inputs(data=(1, 3, 6, 5)) + "".join(
    nets.layer(*words)
    for words in (
        (
            "conv",
            "Convolution",
            "data",
            "conv",
            "convolution_param { num_output: 2 kernel_size: 3 pad: 1 dilation: 1 }",
        ),
        ("relu", "ReLU", "conv", "conv", "relu_param { negative_slope: 0.5 }"),
        ("norm", "LRN", "conv", "norm", "lrn_param { local_size: 3 alpha: 0.5 }"),
        ("pool", "Pooling", "norm", "pool", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
        ("join", "Concat", "pool pool", "join"),
        ("drop", "Dropout", "join", "drop", 'include { phase: TEST not_stage: "x" }'),
        ("fc", "InnerProduct", "drop", "fc", "inner_product_param { num_output: 2 }"),
        ("prob", "Softmax", "fc", "prob"),
    )
)
OLD = """
input: "data" input_dim: 1 input_dim: 3 input_dim: 6 input_dim: 5
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1
         convolution_param { num_output: 2 kernel_size: 3 group: 1 } }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "conv" bottom: "label" }
"""


OLDEST = """
input: "data" input_dim: 1 input_dim: 3 input_dim: 6 input_dim: 5
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
layers { layer { name: "conv" type: "conv" num_output: 2 kernelsize: 3 stride: 2 blobs_lr: 1 }
         bottom: "pad" top: "conv" }
layers { layer { name: "pool" type: "pool" kernelsize: 2 pool: AVE cropsize: 3 } bottom: "conv" top: "pool" }
"""
FORK = b"""\xef\xbb\xbf# gr\xf6\xdfe
layer { name: "d" type: "AnnotatedData" top: "data" top: "label"
        transform_param { crop_size: 9 resize_param < a: [1, X] > } }
layer { name: "a" type: "ReLU" bottom: "data" top: "a" relu_param { engine: MKL negative_slope: -.5e-1f },
        fork: 'x' "y" };
layer { name: "b" type: "Convolution" bottom: "data" top: "b" param { name: "w" fork { } }
        convolution_param { num_output: 0x2 kernel_size: [3, 03] weight_filler { type: "\\x41\\n" } }
        include { phase: TEST not_stage: "x" } }
layer { name: "c" type: "Permute" bottom: "b" top: "c" [a.b]: 1 } layer { name: "e" type: "TanH" bottom: "c" top: "e" }
layer { name: "f" type: "DummyData" top: "f" dummy_data_param { num: 1 channels: 2 height: 3 width: 4 } }
"""


def weights(text: str) -> bytes:
    """Return the caffemodel of a network, with numbers for its first convolution."""
    net = nets.parse(text)
    layers = net.layer or net.layers
    conv = next(layer for layer in layers if layer.name == "conv")
    conv.blobs.extend([nets.blob(np.ones((2, 3, 3, 3))), nets.blob(np.ones(2))])
    for layer in layers:
        if layer.name == "fc":
            layer.blobs.extend([nets.blob(np.ones((2, 36))), nets.blob(np.ones(2))])
    content: bytes = net.SerializeToString(deterministic=True)
    return content


def pieces(content: bytes) -> bytes:
    """Return a caffemodel with two more layers: one whose numbers stand one by one, and one in doubles."""
    net = caffe_pb2.NetParameter.FromString(content)
    net.layer.add(name="doubles").blobs.append(nets.blob(np.ones(3), double=True))
    each = b"\x2d" + np.float32(1).tobytes()
    blob = b"\x3a\x03\x0a\x01\x05" + each * 3 + b"\x2a\x08" + np.ones(2, "<f4").tobytes()
    layer = b"\x0a\x04each\x3a" + bytes([len(blob)]) + blob
    return net.SerializeToString(deterministic=True) + b"\xa2\x06" + bytes([len(layer)]) + layer


def oldest() -> bytes:
    """Return a caffemodel of 2013 that holds its network: weights sit in the inner layers."""
    net = nets.parse(OLDEST)
    net.layers[1].layer.blobs.extend(nets.blob(np.ones(shape), legacy=True) for shape in ((2, 3, 3, 3), (2,)))
    content: bytes = net.SerializeToString(deterministic=True)
    return content


def snapshot() -> bytes:
    """Return weights in HDF5."""
    file = io.BytesIO()
    with h5py.File(file, "w") as layers:
        layers["data/conv/0"] = np.ones((2, 3, 3, 3), np.float32)
        layers["data/conv/1"] = np.ones(2)
        layers["data/join/2/0"] = np.float32(1)
    return file.getvalue()


def frozen() -> bytes:
    """Return a graph with a convolution, a constant to be computed, a concatenation and a pooling."""

    def build(x: Any) -> Any:
        kernel = tf.reshape(graphs.normal(27, 2), tf.stack([3, 3, 3, 2]))
        y = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME") + graphs.constant([1, 2]))
        y = tf.nn.avg_pool2d(tf.concat([y, tf.nn.max_pool2d(y, 3, 1, "SAME")], 3), 2, 2, "VALID")
        return tf.reduce_mean(tf.pad(y, [[0, 0], [1, 1], [0, 0], [0, 0]]), [1, 2])

    content: bytes = graphs.frozen(build, (1, 8, 8, 3)).SerializeToString(deterministic=True)
    return content


def sized() -> bytes:
    """Return a graph that computes sizes from the picture's, with what they are for."""

    def build(x: Any) -> Any:
        x = tf.tensordot(x[:, 1:-1, ::2], graphs.normal(3, 2), [[3], [0]])
        n, h, w = (tf.shape(x)[axis] for axis in range(3))
        x = tf.raw_ops.ResizeBilinear(images=x, size=tf.shape(x)[1:3] * [2, 3])
        x = tf.nn.conv2d_transpose(x, graphs.normal(2, 2, 2, 2), tf.stack([n, 4 * h, 6 * w, 2]), 2, "SAME")
        return tf.reshape(tf.tile(tf.expand_dims(x, 2), [1, 1, 2, 1, 1]), tf.stack([n, 8 * h, 6 * w, 2]))

    content: bytes = graphs.frozen(build, (1, 6, 6, 3)).SerializeToString(deterministic=True)
    return content


def channels_first() -> bytes:
    """Return a graph with channels first."""

    def build(x: Any) -> Any:
        how = {"padding": "SAME", "data_format": "NCHW"}
        x = tf.raw_ops.Conv2D(input=x, filter=graphs.normal(2, 2, 3, 2), strides=[1, 1, 2, 1], **how)
        x = tf.raw_ops.BiasAdd(value=x, bias=graphs.constant([1, 2]), data_format="NCHW")
        x = tf.concat([tf.nn.relu(x), x * graphs.constant([[[1]], [[2]]])], 1)
        x = tf.raw_ops.MaxPool(input=x, ksize=[1, 1, 2, 2], strides=[1, 1, 1, 1], **how)
        return tf.reduce_mean(tf.pad(x, [[0, 0], [0, 0], [1, 1], [0, 0]]), [2, 3])

    content: bytes = graphs.frozen(build, (1, 3, 8, 8)).SerializeToString(deterministic=True)
    return content


def trained() -> dict[str, bytes]:
    """Return the files of a Keras model with a dilated convolution, saved in every way.

    Every Keras that pydream allows reads them: what 3.15 says of an initializer with a seed, 3.13 refuses.
    """
    keras, kinds = tf.keras, tf.keras.layers
    image = keras.Input((8, 8, 3), name="image")
    how = {"padding": "same", "dilation_rate": 2, "activation": "relu", "kernel_initializer": "zeros"}
    x = kinds.Conv2D(2, 3, **how, name="conv")(image)
    model = kerasnets.seeded(
        keras.Model(image, kinds.Add(name="sum")([x, kinds.MaxPooling2D(3, 1, "same")(x)]), name="m")
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suffix in ("keras", "h5"):
            model.save(folder / f"m.{suffix}")
        model.export(folder / "m", verbose=False)
        with zipfile.ZipFile(folder / "m.keras") as file:
            config, weights = file.read("config.json"), file.read("model.weights.h5")
        return {
            "keras_config/plain": config,
            "keras_weights/plain": weights,
            "keras_archive/plain": (folder / "m.keras").read_bytes(),
            "keras_hdf5/plain": (folder / "m.h5").read_bytes(),
            "saved_graph/plain": (folder / "m" / "saved_model.pb").read_bytes(),
            "saved_index/plain": (folder / "m" / "variables" / "variables.index").read_bytes(),
            "saved_data/plain": (folder / "m" / "variables" / "variables.data-00000-of-00001").read_bytes(),
        }


def encoded(form: str, mode: str = "RGB", **options: Any) -> bytes:
    """Return the file of a picture of 3 x 2 pixels, of one of Pillow's modes."""
    size = (3, 2)
    picture = Image.new(mode, size, 1 if mode in ("1", "L", "P", "I", "I;16", "F") else None)
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def exif() -> Image.Exif:
    """Return an orientation and a description."""
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x010E] = "a description"
    return tags


def noted(form: str, note: str) -> bytes:
    """Return the file of a picture that says how it was made."""
    return bytes(encode_image(np.zeros((2, 3, 3), np.uint8), FORMATS[form], note))


def zipped(*names: str, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive whose members have these names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as packed:
        for name in names:
            packed.writestr(zipfile.ZipInfo(name), bytes(MEMBER_BYTES), compression)
    return file.getvalue()


def tarred(*names: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return a compressed tar file whose members have these names."""
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.type = MEMBER_BYTES, kind
            archive.addfile(info, io.BytesIO(bytes(MEMBER_BYTES)))
    return file.getvalue()


def copied(raw: bool) -> bytes:
    """Return an ONNX file with the weights of a network, as raw bytes or as numbers."""
    tensors = []
    for layer, shapes in COPIED.items():
        for kind, shape in zip("wb", shapes, strict=True):
            values = np.arange(np.prod(shape), dtype=np.float32)
            content = values.tobytes() if raw else values.tolist()
            make = onnx.helper.make_tensor
            tensors.append(make(f"{layer}_{kind}_0", onnx.TensorProto.FLOAT, shape, content, raw))
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "net", [], [], tensors)
    return bytes(onnx.helper.make_model(graph).SerializeToString())


def left() -> bytes:
    """Return the file of a stopped zoom loop."""
    path = CORPUS / "left.npz"
    loop = checkpoint.LoopFacts(recipe=RECIPE, network=NETWORK, input=START)
    checkpoint.save(path, checkpoint.Checkpoint(loop, np.zeros((2, 3, 3)), np.random.RandomState(1)))
    content = path.read_bytes()
    path.unlink()
    return content


def clip(suffix: str, codec: str, tone: str | None, **options: Any) -> bytes:
    """Return the file of a film of three frames of 16 x 16 pixels, with a sound."""
    path = CORPUS / f"clip.{suffix}"
    clips.write_clip(path, clips.moving_square(3, 16, 32), codec=codec, tone=tone, options={}, **options)
    content = path.read_bytes()
    path.unlink()
    return content


def long_text() -> PngImagePlugin.PngInfo:
    """Return a text that Pillow refuses to decompress."""
    info = PngImagePlugin.PngInfo()
    info.add_text("text", "x" * 2**20 + "x", zip=True)
    return info


def corpus() -> dict[str, bytes]:
    """Return every file by its place."""
    note = DreamAccount(
        command="pydream dream in.png -o dream.png", recipe=RECIPE, network=NETWORK, input=START, result=START
    ).to_json()
    other = json.dumps({**json.loads(note), "dream": {"end": "x", "seed": 0}, "guide": json.loads(note)["input"]})
    front = f"---\nname: net\ntitle: A net\nweights: w.caffemodel\nsize: 7\nsha256: {HASH}\nlicense: none\n"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    frames = {"save_all": True, "append_images": [Image.new("RGB", (3, 2), "red")]}
    return {
        "network/text": NEW.encode(),
        "network/weights": weights(OLD)[:2000],
        "network/graph": frozen()[:2000],
        "network/archive": zipped("net/data.pkl", "net/code/x.py"),
        "network/state": b"\x08\x64\x12\x02cm\x1a\x04\x08\x01\x10\x03",
        "network/page": b"<!-- --><html><body>404</body></html>",
        "prototxt/new": NEW.encode(),
        "prototxt/old": OLD.encode(),
        "prototxt/oldest": OLDEST.encode(),
        "prototxt/fork": FORK,
        "caffemodel/new": weights(NEW),
        "caffemodel/old": weights(OLD),
        "caffemodel/pieces": pieces(weights(NEW)),
        "caffemodel/oldest": oldest(),
        "snapshot/plain": snapshot(),
        "graphdef/plain": frozen(),
        "graphdef/sizes": sized(),
        "graphdef/first": channels_first(),
        "graph_text/plain.pbtxt": text_format.MessageToBytes(tf.compat.v1.GraphDef.FromString(frozen())),
        **{f"onnx_network/{name}": (ONNX / f"{name}.onnx").read_bytes() for name in ("modern_13",)},
        **trained(),
        "image/palette.png": encoded("PNG", "P"),
        "image/bit.png": encoded("PNG", "1"),
        "image/deep.png": encoded("PNG", "I;16"),
        "image/profile.png": encoded("PNG", "RGBA", icc_profile=profile),
        "image/animated.png": encoded("PNG", **frames),
        "image/exif.jpg": encoded("JPEG", exif=exif()),
        "image/cmyk.jpg": encoded("JPEG", "CMYK"),
        "image/progressive.jpg": encoded("JPEG", "L", progressive=True),
        "image/plain.webp": encoded("WEBP", exif=exif()),
        "image/animated.webp": encoded("WEBP", **frames),
        "image/pages.tif": encoded("TIFF", **frames),
        "image/packed.tif": encoded("TIFF", compression="tiff_lzw"),
        "image/float.tif": encoded("TIFF", "F", exif=exif()),
        "image/cmyk.tif": encoded("TIFF", "CMYK"),
        "image/planes.tif": tiffs.tiff(np.zeros((3, 5, 3), np.uint16), 2, planar=True, compression=tiffs.DEFLATE),
        "image/twelve.tif": tiffs.tiff(np.zeros((3, 5, 1), np.uint16), 0, bits=12, order=">"),
        "image/floats.tif": tiffs.tiff(
            np.zeros((3, 5, 4)), 2, tile=16, extra=(2,), compression=tiffs.DEFLATE, predictor=3, big=True
        ),
        "image/lab.tif": tiffs.tiff(np.zeros((3, 5, 3), np.uint8), 8, compression=tiffs.LZW, predictor=2),
        "image/transparent.png": encoded("PNG", transparency=(0, 0, 0)),
        "image/text.png": encoded("PNG", pnginfo=long_text()),
        "image/animated.gif": encoded("GIF", **frames),
        "image/plain.bmp": encoded("BMP"),
        "image/plain.ppm": encoded("PPM"),
        "image/plain.ico": encoded("ICO"),
        **{f"metadata/{form}": noted(form, note) for form in FORMATS},
        "metadata/camera.jpg": encoded("JPEG", exif=exif()),
        "sidecar/loop": note.encode(),
        "sidecar/guide": other.encode(),
        "resume/left": left(),
        "film/turned.mp4": clip("mp4", "mpeg4", "aac", pix_fmt="yuv420p", prepare=lambda s: s.set_display_rotation(90)),
        "film/plain.mkv": clip("mkv", "ffv1", "libopus", pix_fmt="yuv420p10le"),
        "film/plain.avi": clip("avi", "mjpeg", "libmp3lame", pix_fmt="yuvj420p"),
        "film/plain.ts": clip("ts", "mpeg2video", "mp2", pix_fmt="yuv420p"),
        "film/animated.gif": encoded("GIF", **frames),
        "film_left/plain": Film(**FILM).to_json().encode(),
        "film_frame/plain": FilmFrame(**FILM, number=1, result=START).to_json().encode(),
        "archive/good": zipped("other", MEMBER),
        "archive/stored": zipped("../../evil", MEMBER, compression=zipfile.ZIP_STORED),
        "archive/lzma": zipped(MEMBER, compression=zipfile.ZIP_LZMA),
        "tarball/good": tarred("other", MEMBER),
        "tarball/link": tarred("../../evil", kind=tarfile.SYMTYPE),
        "onnx_copy/raw": copied(True),
        "onnx_copy/numbers": copied(False),
        "readme/plain": f"{front}mean: [1, 2, 3]\n---\nText\n".encode(),
        "readme/archive": (
            f"{front}mean: &m [1, 2.5, 3e0]\nurls: [http://localhost/x]\n"
            f"archive: {{name: a.zip, size: 7, sha256: {HASH}, member: in/it}}\n---\n"
        ).encode(),
        "mean/picture": array(np.ones((3, 2, 2), np.float32)),
        "mean/numbers": array(np.float64([104, 117, 123]), (2, 0)),
        "vector/plain": array(np.float32([0.5, -1, 0])),
        "vector/last": array(np.arange(3), (2, 0)),
        **{f"order/{name}": json.dumps(words).encode() for name, words in ORDERS.items()},
        "form/plain": sent('name="file"; filename="a.png"'),
        "form/others": sent('name="comment"', 'name=file; filename="sky, \u20ac.png"'),
        "entry/plain": json.dumps(
            {"id": ENTRY, "name": "a.png", "width": 3, "height": 2, "suffix": ".png", "account": note, "notes": ["x"]}
        ).encode(),
        "mean/proto": nets.blob(np.ones((3, 2, 2)), legacy=True).SerializeToString(),
    }


def sent(*parts: str) -> bytes:
    """Return a form with parts whose dispositions have these words."""
    lines = [
        line
        for part in parts
        for line in (b"--" + BOUNDARY, f"Content-Disposition: form-data; {part}".encode(), b"", b"x")
    ]
    return b"\r\n".join([*lines, b"--" + BOUNDARY + b"--", b""])


def array(values: Any, version: tuple[int, int] = (1, 0)) -> bytes:
    """Return a ``.npy`` file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, values, version)
    return file.getvalue()


def main() -> None:
    """Write them."""
    for name, content in corpus().items():
        path = CORPUS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
