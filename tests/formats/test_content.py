"""What a file is, is decided by its content: ours under any name, and a foreign one with the way from it."""

import gzip
import io
import os
import shutil
import tarfile
import threading
import time
import zipfile

import numpy as np
import pytest
from support import nets

import pydream
from pydream import zoo
from pydream.errors import NetFileError, UnknownNameError
from pydream.formats import caffe, format_of, graphdef, keras
from pydream.formats.caffe import caffe_pb2
from pydream.formats.foreign import FOREIGN, UNKNOWN
from pydream.formats.graphdef.proto import GraphDef
from pydream.formats.head import Head
from pydream.reads import kept_apart

TEXT = nets.inputs(data=(1, 3, 8, 8)) + nets.layer(
    "conv", "Convolution", "data", "conv", "convolution_param { num_output: 2 kernel_size: 3 }"
)
WEIGHTS = {"conv": [np.ones((2, 3, 3, 3)), np.zeros(2)]}


def caffemodel(name="net"):
    message = nets.weights(**WEIGHTS)
    message.name = name
    return message.SerializeToString()


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"\0" * 30)
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("net.caffemodel"))
    return file.getvalue()


def saved(save, *values):
    file = io.BytesIO()
    save(file, *values)
    return file.getvalue()


def field(number, value):
    """A field of a protobuf message, as the wire has it."""

    def varint(value):
        return bytes([value & 127 | 128]) + varint(value >> 7) if value > 127 else bytes([value])

    return varint(number << 3 | (0 if isinstance(value, int) else 2)) + (
        varint(value) if isinstance(value, int) else varint(len(value)) + value
    )


NODE = field(1, field(1, b"input") + field(2, b"Placeholder"))
META = field(1, field(2, field(1, NODE)) + field(4, b"serve")) + field(2, NODE)
SOLVER = field(1, 100) + field(2, b"a.caffemodel") + field(3, field(1, 1) + field(2, 3) + field(5, b"\0" * 12))
ONNX = field(1, 8) + field(2, b"pytorch") + field(3, b"2.9") + field(7, field(1, b""))
NEW_MEAN = field(5, b"\0\0\xd0\x42" * 3) + field(7, field(1, b"\3"))
HDF5 = b"\x89HDF\r\n\x1a\n" + b"\0" * 88


@pytest.mark.parametrize("name", ["net", "NET.TXT", "net.prototxt", "net.caffemodel", "net.pb", "net.h5", "net.keras"])
@pytest.mark.parametrize(
    ("content", "form"),
    [
        (TEXT.encode(), caffe),
        (b"\xef\xbb\xbf# \xe9 of Latin-1\n\n # name: 3\n" + TEXT.encode(), caffe),
        (b"force_backward : true " + TEXT.encode(), caffe),
        (caffemodel(), caffe),
        (caffemodel(""), caffe),
        (b"layers { name: 'x' }", caffe),
        (HDF5 + b"HEAP\0\0\0\0data\0\0\0\0diff\0\0\0\0", caffe),
        (NODE + NODE, graphdef),
        (b"node {\n  name: 'x'\n}", graphdef),
        (HDF5 + b"HEAP\0\0\0\0model_weights\0", keras),
        (b"\0" * 512 + HDF5 + b"HEAP\0\0\0\0model_weights\0", keras),
        (zipped("metadata.json", "config.json", "model.weights.h5"), keras),
    ],
)
def test_any_suffix(tmp_path, name, content, form):
    path = tmp_path / name
    path.write_bytes(content)
    assert format_of(path) is form


def test_a_graphs_name_is_a_saved_models_only_if_its_content_is(tmp_path):
    path = tmp_path / "saved_model.pb"
    path.write_bytes(NODE + NODE)
    assert format_of(path) is graphdef
    path.write_bytes(field(1, 1) + field(2, META))
    assert format_of(path) is keras


def test_a_prototxt_decides_what_its_weights_are(tmp_path):
    (tmp_path / "net.txt").write_text(TEXT)
    (tmp_path / "w.h5").write_bytes(HDF5 + b"data\0")
    assert format_of(tmp_path / "w.h5", tmp_path / "net.txt") is caffe


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("deploy.prototxt", caffe),
        ("DEPLOY.PROTOTXT", caffe),
        ("w.caffemodel", caffe),
        ("w.caffemodel.h5", caffe),
        ("weights", caffe),
        ("graph.pb", graphdef),
        ("graph.PBTXT", graphdef),
        ("saved_model.pb", keras),
        ("model.keras", keras),
        ("model.H5", keras),
    ],
)
def test_names_count_where_the_content_says_nothing(tmp_path, name, form):
    assert format_of(tmp_path / name) is form  # not there
    (tmp_path / name).write_bytes(b"\x93\x01\x02damaged")
    assert format_of(tmp_path / name) is form


# Content, name, and what is said of it.
SAMPLES = [
    (b"", "x.caffemodel", "an empty file"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "x.caffemodel", "Git LFS pointer.*git lfs pull"),
    (b"<!DOCTYPE html><html><body>404</body></html>", "x.caffemodel", "a web page"),
    (b"\n\n<!-- \n saved -->\n<HTML lang='en'>", "x.prototxt", "a web page"),
    (b"<?xml version='1.0'?>\n<net name='x' version='11'>", "x.xml", "OpenVINO"),
    (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code>", "x.caffemodel", "an XML text.*download server"),
    (b'{\n  "nodes": [\n', "x-symbol.json", "MXNet without its weights"),
    (b'{"format": "layers-model", "modelTopology": {', "model.json", "TensorFlow.js.*tensorflowjs_converter"),
    (b'{"module": "keras", "class_name": "Functional", "config"', "x.json", r"a Keras model, without.*model\.save"),
    (b'{"message": "not found"}', "x.pb", "a JSON text"),
    (b"# yolo\n[net]\nbatch=64\n", "yolov3.cfg", "Darknet"),
    (b"\0\0\0\0\2\0\0\0\5\0\0\0", "yolov3.weights", "Darknet"),
    (b"7767517\n75 83\nInput data", "x.param", "ncnn"),
    (b'# solver\nnet: "train_val.prototxt"\nbase_lr: 0.01', "solver.prototxt", "a solver.*in its 'net'"),
    (b'model_checkpoint_path: "model.ckpt-1"', "checkpoint", "index of TensorFlow checkpoints"),
    (b"saved_model_schema_version: 1\nmeta_graphs {", "saved_model.pbtxt", "text form of a SavedModel"),
    (b"ir_version: 8\ngraph {", "x.onnxtxt", "text form of an ONNX network"),
    ("name: 'x'\n".encode("utf-16"), "deploy.prototxt", "UTF-16.*UTF-8"),
    (zipped("net/data.pkl", "net/code/__torch__.py", "net/constants.pkl"), "x.pt", "TorchScript.*load_net"),
    (zipped("x/archive_format", "x/models/model.json"), "x.pt2", r"torch\.export.*torch\.onnx\.export"),
    (zipped("archive/data.pkl", "archive/version"), "x.caffemodel", r"a PyTorch file;.*load_net.*torch\.onnx\.export"),
    (b"PK\3\4" + b"\0" * 200, "x.pth", "a PyTorch file"),
    (b"\x80\2\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\2M\xe9\3.", "x.pth", "a PyTorch file of before 2020"),
    (saved(np.savez, np.ones(3)), "x.npz", r"NumPy \(npz\)"),
    (zipped("a/deploy.prototxt", "a/net.caffemodel"), "net.zip", "a zip file that holds.*Caffe's; unpack it"),
    (zipped("imagenet.txt", "graph.pb"), "inception5h.zip", "a zip file that holds.*TensorFlow's; unpack it"),
    (zipped("Data/com.apple.CoreML/net.mlmodel"), "net.zip", "Core ML"),
    (zipped("README"), "x.caffemodel", "an archive.*unpack it"),
    (tarred(), "x.caffemodel.tar", "an archive.*unpack it"),
    (gzip.compress(b"net"), "x.caffemodel.gz", "a compressed file; unpack it"),
    (b"\x1c\0\0\0TFL3" + b"\0" * 100, "x.tflite", "TensorFlow Lite.*SavedModel"),
    (b"\2\0\0\0\0\0\0\0{}", "x.safetensors", "Safetensors.*load_model"),
    (b"\0" * 40 + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb", "model.ckpt-1.index", "a TensorFlow checkpoint, without"),
    (np.ones(9, np.float32).tobytes(), "model.ckpt.data-00000-of-00001", "a TensorFlow checkpoint, without"),
    (META, "model.ckpt.meta", "graph of a TensorFlow checkpoint"),
    (SOLVER, "x.caffemodel", r"state of a solver.*\.caffemodel of the same iteration"),
    (field(1, 1) + field(2, 3) + field(3, 2) + field(4, 2) + field(5, b"\0" * 48), "mean.binaryproto", "--mean FILE"),
    (NEW_MEAN, "mean.binaryproto", "a mean picture"),
    (field(1, 4) + field(2, field(1, field(1, b"image"))) + field(500, b""), "net.mlmodel", "a network of Core ML;"),
    (field(1, 1) + field(2, META), "frozen.pb", r"under another name; name it saved_model\.pb"),
    (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "imagenet-vgg-f.mat", "MatConvNet"),
    (b"MATLAB 7.3 MAT-file".ljust(512) + HDF5, "x.mat", "MATLAB"),
    (saved(np.save, np.ones(3)), "mean.npy", "an array of NumPy.*--mean FILE"),
    (b"\x12\1" + b"\0" * 14, "x.params", "weights of MXNet"),
    (b"GGUF\3\0\0\0", "x.gguf", "language"),
    (b"ftrt\0\0\0\0", "x.plan", "TensorRT"),
    (b"\x89PNG\r\n\x1a\n", "sky.png", "a picture; as --model"),
    (b"RIFF\0\0\0\0WEBPVP8 ", "sky.webp", "a picture"),
    (b"%PDF-1.7\n", "paper.pdf", "PDF"),
    (b"\x80\4\x95\0\0\0\0\0\0\0\0}\x94.", "vgg16.pkl", "a Python pickle"),
    (b"\x93\1\2", "x.t7", "a PyTorch file, by its name"),
    (b"\x93\1\2", "x.mlmodel", "Core ML, by its name"),
    (b"\x93\1\2", "x.ckpt", "a TensorFlow checkpoint, by its name"),
    (b"\x93\1\2", "x.onnx.data", r"name the \.onnx file"),
    (b"DeepDream\n=========\n\nThis repository", "README.txt", "a text that is none.*a prototxt begins with"),
]


@pytest.mark.parametrize(
    ("content", "name", "words"), SAMPLES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_a_foreign_file_is_called(tmp_path, content, name, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NetFileError, match=f"^{path}: .*{words}") as error:
        format_of(path)
    assert "\n" not in str(error.value)
    with pytest.raises(NetFileError, match=words):
        zoo.load.read_graph(path)


def test_every_kind_has_a_sample():
    met = set()
    for content, name, _ in SAMPLES:
        head = Head(name.lower(), content[: 2**14], content[-(2**14) :], len(content))
        met.add(next(row.what for row in (*FOREIGN, *UNKNOWN) if row.test(head)))
    assert met == {row.what for row in (*FOREIGN, *UNKNOWN)}


def test_weights_that_are_none(tmp_path):
    (tmp_path / "net.prototxt").write_text(TEXT)
    (tmp_path / "net.caffemodel").write_bytes(b"<html>404</html>")
    for load in (lambda: pydream.load_net(tmp_path / "net.prototxt"), lambda: caffe_net(tmp_path)):
        with pytest.raises(NetFileError, match=r"net.caffemodel: a web page; where the file was wanted: download"):
            load()


def caffe_net(folder):
    return pydream.caffe.Net(folder / "net.prototxt", folder / "net.caffemodel")


def test_a_message_of_caffes_is_no_solvers(tmp_path):
    """The schemas themselves, through protobuf, and the kinds that are told from their first fields."""
    net = caffe_pb2.NetParameter(name="x", input=["data"], layer=[caffe_pb2.LayerParameter(name="c")])
    graph = GraphDef()
    graph.node.add(name="a" * 300, op="Const")
    for message, kind in (
        (net, "NetParameter"),
        (caffe_pb2.NetParameter(layer=net.layer), "NetParameter"),
        (graph, "GraphDef"),
    ):
        data = message.SerializeToString()
        assert Head("", data, data, len(data)).message == kind
    assert Head("", ONNX, ONNX, len(ONNX)).message == "ModelProto"


def test_no_head_makes_an_exception():
    """Cut anywhere, and with bytes that are none of a message's."""
    rng = np.random.default_rng(0)
    contents = [content for content, *_ in SAMPLES] + [caffemodel(), NODE, ONNX]
    for content in contents:
        for end in range(min(len(content), 60)):
            for data in (content[:end], content[:end] + rng.bytes(8), content[end:]):
                head = Head("x.bin", data, data, len(data))
                assert isinstance(head.message, str)
                assert all(isinstance(row.test(head), bool) for row in (*FOREIGN, *UNKNOWN))


@pytest.mark.parametrize("piece", [b"<!---->", b"# ", b"#", b";#\n", b" ", b"{", b"PK\3\4", b"\n\1a", b"\x80", b'{"'])
def test_a_head_takes_no_time(piece):
    data = piece * (2**14 // len(piece))
    head = Head("x.weights", data, data, 2 * len(data))
    start = time.process_time()
    assert isinstance(head.message + head.word, str)
    assert all(isinstance(row.test(head), bool) for row in (*FOREIGN, *UNKNOWN))
    assert time.process_time() - start < 0.5


# ---- weights beside a prototxt ----


@pytest.mark.parametrize(
    ("text", "there", "found"),
    [
        ("deploy.prototxt", ["net.caffemodel"], "net.caffemodel"),
        ("deploy.prototxt.txt", ["net.caffemodel"], "net.caffemodel"),
        ("DEPLOY.PROTOTXT", ["NET.CAFFEMODEL"], "NET.CAFFEMODEL"),
        ("deploy", ["deploy.caffemodel", "a.caffemodel"], "deploy.caffemodel"),
        ("b.prototxt.txt", ["a.caffemodel", "B.caffemodel"], "B.caffemodel"),
        ("b.txt", ["a.caffemodel", "b.caffemodel.h5"], "b.caffemodel.h5"),
        ("b.prototxt", ["weights.bin", "notes.txt"], "weights.bin"),
        ("b.prototxt", ["weights", "net.caffemodel"], "net.caffemodel"),
    ],
)
def test_the_weights_beside_it(tmp_path, text, there, found):
    (tmp_path / text).write_text(TEXT)
    os.mkfifo(tmp_path / "a-pipe.caffemodel")
    for name in there:
        (tmp_path / name).write_bytes(b"notes" if name == "notes.txt" else caffemodel())
    assert caffe.find_weights(tmp_path / text, None) == tmp_path / found


def test_no_weights_beside_it(tmp_path):
    path = tmp_path / "net.txt"
    path.write_text(TEXT)
    with pytest.raises(NetFileError, match=r"net.txt: name its weights: no caffemodel files in"):
        caffe.find_weights(path, None)
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(caffemodel())
    with pytest.raises(NetFileError, match=r"net.txt: name its weights: 2 caffemodel files in"):
        caffe.find_weights(path, None)


def test_a_whole_network_wants_no_weights(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(caffemodel())
    assert caffe.find_weights(path, None) is None


def test_what_is_no_text_wants_no_weights(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"\x93\x01\0")
    assert caffe.find_weights(tmp_path / "net.onnx", None) is None


def test_looking_for_weights_reads_no_picture(tmp_path):
    """Or a dream could not replace an older one that is beside the network."""
    (tmp_path / "net.prototxt").write_text(TEXT)
    (tmp_path / "weights").write_bytes(caffemodel())
    (tmp_path / "dream.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with kept_apart():
        caffe.find_weights(tmp_path / "net.prototxt", None)
        pydream.files.check_place(tmp_path / "dream.png")
        pydream.files.write_whole(tmp_path / "dream.png", b"dream")


def test_hdf5_is_weights_and_no_network(tmp_path):
    path = tmp_path / "w.caffemodel.h5"
    path.write_bytes(HDF5 + b"data\0")
    for read in (zoo.load.read_graph, pydream.load_net):
        with pytest.raises(NetFileError, match=r"w.caffemodel.h5: HDF5, which holds weights.*name its prototxt"):
            read(path)


@pytest.mark.parametrize("name", ["net.prototxt", "net.pb", "net.keras", "net.bin"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    ended = threading.Event()

    def load():
        with pytest.raises(NetFileError, match="not a regular file"):
            pydream.load_net(tmp_path / name)
        ended.set()

    threading.Thread(target=load, daemon=True).start()
    assert ended.wait(5)
    with pytest.raises(NetFileError, match="not a regular file"):
        Head.of(tmp_path / name)


def test_a_folder_is_no_network(tmp_path):
    with pytest.raises(NetFileError, match="a folder without a SavedModel's graph; name the file in it"):
        pydream.load_net(tmp_path)


@pytest.mark.parametrize("name", ["none.PROTOTXT", "none.prototxt.txt", "none.pbtxt", "none.caffemodel.h5"])
def test_no_such_file(name):
    with pytest.raises(UnknownNameError, match=f"no such file: '{name}'"):
        pydream.load_net(name)
    with pytest.raises(ValueError, match="it would be taken for a file"):
        zoo.add_network(name, ["x"])


# ---- files of others ----


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("html.caffemodel", "a web page"),
        ("x.pth", "a PyTorch file"),
        ("x.safetensors", "Safetensors"),
        ("x.solverstate", "the state of a solver"),
        ("x.tflite", "TensorFlow Lite"),
    ],
)
def test_the_foreign_cases(shared, name, words):
    for load in (
        lambda path: pydream.load_net(path),
        lambda path: pydream.caffe.Net(shared / "cases/caffe-v0/base.prototxt", path),
    ):
        with pytest.raises(NetFileError, match=f"{name}: .*{words}"):
            load(shared / "cases" / "foreign" / name)


def test_the_foreign_case_of_onnx(shared):
    with pytest.raises(NetFileError, match=r"x.onnx: not an ONNX network, or cut short"):
        pydream.load_net(shared / "cases/foreign/x.onnx", runtime="numpy")


@pytest.mark.parametrize("name", ["DEPLOY.PROTOTXT", "deploy.prototxt.txt"])
def test_the_cases_of_suffixes(shared, name, tmp_path):
    for file in (name, "base.caffemodel"):
        shutil.copy(shared / "cases" / "suffixes" / file, tmp_path)
    net = pydream.load_net(tmp_path / name, runtime="numpy")
    assert "conv2" in net.blobs
    assert net.name == name[: len("deploy")]
