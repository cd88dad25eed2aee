"""SavedModels as networks: what Keras and TensorFlow write, forward and back as the model; nothing in them is run."""

import shutil

import numpy as np
import pytest
from support import kerasnets, nets

import pydream
from pydream.errors import NetFileError
from pydream.runtime.on_tensorflow.door import part, tensorflow

# What exporting calls the layers that it has traced.
NAMES = {
    "block1_conv1": "everything_1/block1_conv1_1/Relu",
    "inner": "everything_1/inner_1/bn_1/batchnorm/add_1",
    "pool1": "everything_1/pool1_1/MaxPool2d",
    "conv": "everything_1/conv_1/BiasAdd",
    "classes": "everything_1/classes_1/Softmax",
}


@pytest.fixture(scope="module")
def model():
    return kerasnets.everything((40, 56))


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "exported"
    model.export(folder, verbose=False)
    return folder


def load(path, **options):
    return pydream.load_net(path, device="cpu", **options)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("how", ["export", "saved_model.save"])
def test_it_is_the_model(model, exported, tmp_path, how, dtype, tolerance):
    """Also where two variables have one name: both models have a `conv/kernel`."""
    folder = exported
    if how != "export":
        folder = tmp_path / "saved"
        tensorflow().saved_model.save(model, folder)
    net, live = load(folder, dtype=dtype), load(model, dtype=dtype)
    assert net.name == folder.name
    assert net.blobs["data"].shape == (1, 3, 40, 56)
    image = kerasnets.picture()
    for layer, node in NAMES.items():
        expected = nets.passes(live, layer, image)
        for found, wanted in zip(nets.passes(net, node, image), expected, strict=True):
            assert nets.off(found, wanted) < tolerance, layer


def test_it_is_named_by_its_folder_or_its_graph(exported, monkeypatch):
    net = load(exported / "saved_model.pb")
    assert net.name == "exported"
    monkeypatch.chdir(exported)
    assert load(".").name == "exported"
    assert net.mean.tolist() == [[[0]], [[0]], [[0]]]
    with pytest.raises(NetFileError, match=r"it holds its weights; .*caffemodel. has no use here"):
        load(exported, weights="some.caffemodel")


def saved(folder, function, **module):
    """A SavedModel of a function of pictures."""
    tf = tensorflow()

    class Module(tf.Module):
        pass

    saved_model = Module()
    for name, value in module.items():
        setattr(saved_model, name, value)
    signature = tf.function(function, input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32, "image")])
    saved_model.serve = signature
    tf.saved_model.save(saved_model, folder, signatures=signature.get_concrete_function())
    return folder


def test_nothing_of_it_is_run(tmp_path):
    """A graph may write files: here neither loading nor dreaming has it do so."""
    tf = tensorflow()
    trace, kernel = tmp_path / "run", tf.Variable(np.ones((3, 3, 3, 2), np.float32))

    def serve(image):
        tf.io.write_file(str(trace), "here")
        features = tf.nn.relu(tf.nn.conv2d(image, kernel, 1, "SAME", name="conv"), name="features")
        return {"features": features, "text": tf.io.read_file(str(trace))}

    net = load(saved(tmp_path / "model", serve, kernel=kernel))
    image = kerasnets.picture((8, 9))
    found, gradient = nets.passes(net, "features", image)
    assert found.max() > 0
    assert gradient.any()
    assert not trace.exists()
    assert "text" not in net.blobs


def test_several_inputs(tmp_path, model):
    keras, kinds = part("keras"), kerasnets.layers()
    a, b = keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 3), name="b")
    keras.Model([a, b], kinds.Conv2D(2, 3)(kinds.Add()([a, b]))).export(tmp_path / "both", verbose=False)
    with pytest.raises(NetFileError, match=r"both: 2 inputs \('a', 'b'\); a dream has one picture"):
        load(tmp_path / "both")


def test_what_tensorflow_1_wrote(tmp_path):
    v1 = tensorflow().compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        image = v1.placeholder("float32", (None, None, None, 3), "image")
        kernel = v1.get_variable("kernel", (3, 3, 3, 2))
        made = v1.nn.conv2d(image, kernel, 1, "SAME")
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(tmp_path / "old"), {"image": image}, {"made": made})
    with pytest.raises(
        NetFileError, match=r"old: no function .* as TensorFlow 1 wrote SavedModels; freeze it to a \.pb"
    ):
        load(tmp_path / "old")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: cut(folder / "saved_model.pb", 1000), "saved_model.pb is not a SavedModel, or cut short"),
        (lambda folder: cut(folder / "saved_model.pb", 0), "saved_model.pb: an empty file"),
        (
            lambda folder: (folder / "saved_model.pb").write_bytes(b"\x08\x01"),
            "nothing in this SavedModel is tagged 'serve'",
        ),
        (lambda folder: shutil.rmtree(folder / "variables"), "its variables are missing or damaged"),
        (lambda folder: cut(folder / "variables" / "variables.index", 100), "its variables are missing or damaged"),
        (
            lambda folder: cut(folder / "variables" / "variables.data-00000-of-00001", 100),
            r"its variable(s are| .*is) missing or damaged|its variables (have \d+ bytes, the files 100)",
        ),
        (lambda folder: fill(folder / "saved_model.pb", 2**31), "more than the 2147483647"),
        (
            lambda folder: fill(folder / "variables" / "variables.data-00000-of-00001", 2**31),
            "more than the 2147483647",
        ),
        (lambda folder: (folder / "saved_model.pb").write_bytes(b"\xff" * 99), "is not a SavedModel, or cut short"),
    ],
)
def test_damaged_folders(exported, tmp_path, damage, words):
    folder = tmp_path / "damaged"
    shutil.copytree(exported, folder)
    damage(folder)
    with pytest.raises(NetFileError, match=words) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


def fill(path, size):
    """Make a file large without writing it."""
    with path.open("r+b") as file:
        file.truncate(size)


def test_a_graph_without_a_signature(exported, tmp_path):
    folder = tmp_path / "mute"
    shutil.copytree(exported, folder)
    saved_model = part("tensorflow.core.protobuf.saved_model_pb2").SavedModel.FromString(
        (folder / "saved_model.pb").read_bytes()
    )
    saved_model.meta_graphs[0].signature_def.clear()
    (folder / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    with pytest.raises(NetFileError, match="no signature, so it does not name its input"):
        load(folder)


@pytest.mark.parametrize(
    ("calls", "words"), [(1, "call one another more than 32 deep"), (8, "have more than the 131072 nodes")]
)
def test_functions_that_call_one_another(exported, tmp_path, calls, words):
    """A few lines can stand for more nodes than there is memory for."""
    folder = tmp_path / "calls"
    shutil.copytree(exported, folder)
    file = folder / "saved_model.pb"
    saved_model = part("tensorflow.core.protobuf.saved_model_pb2").SavedModel.FromString(file.read_bytes())
    functions = saved_model.meta_graphs[0].graph_def.library.function
    depth = 40 if calls == 1 else 20
    for function in functions:
        called = function.node_def.add(name="deeper", op="StatefulPartitionedCall")
        called.attr["f"].func.name = "deep0"
    for i in range(depth):
        made = functions.add()
        made.signature.name = f"deep{i}"
        for j in range(calls):
            made.node_def.add(name=f"call{j}", op="PartitionedCall").attr["f"].func.name = f"deep{i + 1}"
    file.write_bytes(saved_model.SerializeToString())
    with pytest.raises(NetFileError, match=words):
        load(folder)


def test_signatures_that_name_nothing(exported, tmp_path):
    folder = tmp_path / "lost"
    shutil.copytree(exported, folder)
    file = folder / "saved_model.pb"
    saved_model = part("tensorflow.core.protobuf.saved_model_pb2").SavedModel.FromString(file.read_bytes())
    for tensor in saved_model.meta_graphs[0].signature_def["serving_default"].outputs.values():
        tensor.name = "nowhere:0"
    file.write_bytes(saved_model.SerializeToString())
    with pytest.raises(NetFileError, match=r"its signature names .nowhere., which is not in the graph"):
        load(folder)
