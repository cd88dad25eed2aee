"""Files that want no good, read in this process, as the reader of `apart` does in one of its own."""

import io
import zipfile

import h5py
import numpy as np
import pytest
from support import kerasnets

import pydream
from pydream.errors import NetFileError
from pydream.formats.keras import inline
from pydream.formats.keras.dilation import dilate
from pydream.formats.keras.inline import Origins
from pydream.formats.keras.keras_model import read_keras
from pydream.formats.keras.reader import freeze_file
from pydream.runtime.on_tensorflow.door import part, tensorflow

tf = tensorflow()
KERNEL = np.random.default_rng(0).normal(size=(3, 3, 3, 64)).astype(np.float32)
MOST = 2**31 - 1


@pytest.fixture(scope="module")
def keras():
    return part("keras")


def refusal(path):
    with pytest.raises(NetFileError) as caught:
        read_keras(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_no_files_of_models(tmp_path):
    assert refusal(tmp_path) == "not a regular file"
    file = tmp_path / "large.keras"
    with file.open("wb") as large:
        large.truncate(MOST + 1)
    assert refusal(file) == f"{MOST + 1} bytes, more than the {MOST} that a model can have here"
    file = tmp_path / "text.h5"
    file.write_text("no network")
    assert refusal(file) == "not a Keras model: neither a .keras file nor HDF5"


def test_a_damaged_member_of_a_zip_file(tmp_path):
    file, content = tmp_path / "bad.keras", io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("config.json", '{"class_name": "Sequential"}')
        archive.writestr("model.weights.h5", b"")
    file.write_bytes(content.getvalue().replace(b"Sequential", b"Functional", 1))
    assert refusal(file) == "not a Keras model, or damaged: Bad CRC-32 for file 'config.json'"


def test_hdf5_files_that_are_no_models(tmp_path):
    file = tmp_path / "weights.h5"
    with h5py.File(file, "w") as h5:
        h5["kernel"] = KERNEL
    assert refusal(file) == "no network in it, only weights; expected a model that was saved whole"
    with h5py.File(file, "w") as h5:  # of a type that NumPy does not have
        h5py.h5a.create(h5.id, b"model_config", h5py.h5t.UNIX_D32LE, h5py.h5s.create(h5py.h5s.SCALAR))
    assert refusal(file).startswith("its attribute 'model_config' is damaged: ")
    with h5py.File(file, "w") as h5:
        h5.attrs["model_config"] = '{"class_name": "Sequential"}'
        side = 2**15
        h5.create_dataset("kernel", (side, side), "f4", chunks=(4, 4))[:4, :4] = 1  # one part of many is there
    assert refusal(file) == f"{side * side} weights, more than a model can have here"


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_weights_that_cannot_be_read(keras, tmp_path):
    """They have a checksum, as HDF5 may, which is wrong."""
    file = tmp_path / "damaged.h5"
    made = keras.Sequential([keras.Input((8, 8, 3)), kerasnets.layers().Conv2D(64, 3, name="conv")])
    made.layers[0].set_weights([KERNEL, np.zeros(64)])
    made.save(file)
    with h5py.File(file, "r+") as h5:
        (name,) = [name for name in found(h5) if name.endswith("kernel")]
        del h5[name]
        h5.create_dataset(name, data=KERNEL, fletcher32=True, chunks=KERNEL.shape)
    content = file.read_bytes()
    assert read_keras(file).layers[0].get_weights()[0].tobytes() == KERNEL.tobytes()
    file.write_bytes(content.replace(KERNEL.tobytes(), (KERNEL + 1).tobytes()))
    assert refusal(file).startswith(f"weights {name!r} are damaged: ")


def found(h5):
    names = []
    h5.visit(names.append)
    return names


# Live models.


def test_models_that_cannot_be_traced(keras):
    class Wrong(keras.Model):
        def call(self, x):
            raise ValueError("no pictures, please")

    class Empty(keras.Model):
        def call(self, x):
            return tf.nn.relu(x)

    for kind, words in [(Wrong, "it cannot be run on pictures: .*no pictures, please"), (Empty, "no layers")]:
        model = kind(name="mine")
        model.built = True
        with pytest.raises(NetFileError, match=f"^mine: {words}$"):
            pydream.load_net(model)


def test_a_layer_that_makes_more_than_tensors(keras):
    class Counted(kerasnets.layers().Layer):
        def call(self, x):
            return {"image": tf.nn.relu(x), "count": 3}

    class Mine(keras.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.counted = Counted(name="counted")

        def call(self, x):
            return self.counted(x)["image"] * 2

    model = Mine()
    model.built = True
    net = pydream.load_net(model, device="cpu")
    image = kerasnets.picture((8, 9))
    net.blobs["data"].reshape(*image.shape)
    net.forward("counted/1", data=image)
    np.testing.assert_array_equal(net.blobs["counted/1"].data, np.maximum(image, 0).astype(np.float32))


# Graphs.


def test_what_is_no_dilated_convolution_stays(keras):
    def between(x, block, then):
        paddings = [[0, 0]] * len(block)
        cut = tf.raw_ops.SpaceToBatchND(input=x, block_shape=block, paddings=paddings)
        return tf.raw_ops.BatchToSpaceND(input=then(cut), block_shape=block, crops=paddings)

    def convolved(x):
        return tf.nn.conv2d(x, KERNEL, 1, "VALID")

    for block, then, stays in [([2, 2], tf.nn.relu, True), ([2], convolved, True), ([2, 2], convolved, False)]:
        with tf.Graph().as_default() as graph:
            between(tf.compat.v1.placeholder(tf.float32, (1, 8, 8, 3)), block, then)
        proto = graph.as_graph_def()
        dilate(proto)
        assert ("BatchToSpaceND" in [node.op for node in proto.node]) == stays


def test_a_node_that_passes_itself_on():
    graph = tf.compat.v1.GraphDef()
    graph.node.add(name="a", op="IdentityN", input=["b"])
    graph.node.add(name="b", op="IdentityN", input=["a"])
    graph.node.add(name="c", op="IdentityN", input=["x", "y:1"])
    origins = Origins(graph, "it")
    assert origins.of("c:1") == "y:1"
    with pytest.raises(NetFileError, match=r"^it: damaged: a node reads itself$"):
        origins.of("a")


def test_functions_that_cannot_be_written_out(monkeypatch):
    def failing(config, meta):
        raise ValueError("of any kind")

    monkeypatch.setattr(part("tensorflow.python.grappler.tf_optimizer"), "OptimizeGraph", failing)
    with pytest.raises(NetFileError, match=r"^it: TensorFlow cannot inline its functions$"):
        inline.inlined(tf.compat.v1.GraphDef(), [], "it")


# SavedModels.


@pytest.fixture
def folder(tmp_path):
    class Mine(tf.Module):
        def __init__(self):
            super().__init__()
            self.kernel = tf.Variable(KERNEL)

        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32, "image")])
        def __call__(self, image):
            return tf.nn.conv2d(image, self.kernel, 1, "SAME")

    module = Mine()
    tf.saved_model.save(module, str(tmp_path / "mine"), signatures=module.__call__)
    return tmp_path / "mine"


def test_variables_that_are_damaged(folder):
    file = folder / "variables" / "variables.data-00000-of-00001"
    whole = file.read_bytes()
    assert freeze_file(folder / "saved_model.pb").input
    assert whole.count(KERNEL.tobytes()) == 1
    file.write_bytes(whole.replace(KERNEL.tobytes(), (KERNEL + 1).tobytes()))  # each has a checksum
    with pytest.raises(NetFileError, match=rf"^{folder}: its variable 'kernel/.*' is missing or damaged: "):
        freeze_file(folder / "saved_model.pb")
    file.write_bytes(whole[:-1])
    with pytest.raises(NetFileError, match=rf"^{folder}: its variables are missing or damaged: "):
        freeze_file(folder / "saved_model.pb")


def read_proto(folder):
    kind = part("tensorflow.core.protobuf.saved_model_pb2").SavedModel
    return kind.FromString((folder / "saved_model.pb").read_bytes())


def test_variables_that_are_captured_again_and_again(folder):
    """A small file with many copies of a variable would take more memory than there is."""
    saved = read_proto(folder)
    graph, functions = saved.meta_graphs[0].graph_def, saved.meta_graphs[0].object_graph_def.concrete_functions
    served = saved.meta_graphs[0].signature_def["serving_default"].outputs.values()
    outputs = {each.name.partition(":")[0] for each in served}
    (call,) = (node for node in graph.node if node.name in outputs)
    (variable,) = (node for node in graph.node if node.op == "VarHandleOp" and node.name == call.input[-1])
    (function,) = (each for each in graph.library.function if each.signature.name == call.attr["f"].func.name)
    again = graph.node.add()
    again.CopyFrom(variable)
    again.name = "again"
    call.input.append("again")
    call.attr["Tin"].list.type.append(tf.resource.as_datatype_enum)
    function.signature.input_arg.add(name="again", type=tf.resource.as_datatype_enum)
    bound = functions[function.signature.name].bound_inputs
    bound.append(bound[0])
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    size = (folder / "variables" / "variables.data-00000-of-00001").stat().st_size
    assert size < 2 * KERNEL.nbytes
    said = f"^{folder}: its variables have {2 * KERNEL.nbytes} bytes, the files {size}$"
    with pytest.raises(NetFileError, match=said):
        freeze_file(folder / "saved_model.pb")


def test_a_function_that_captures_more_than_it_is_passed(folder):
    file, saved = folder / "saved_model.pb", read_proto(folder)
    for function in saved.meta_graphs[0].object_graph_def.concrete_functions.values():
        function.bound_inputs.extend([1] * 9)
    file.write_bytes(saved.SerializeToString())
    with pytest.raises(NetFileError, match=f"^{folder}: damaged: a function captures more than it is passed$"):
        freeze_file(file)
