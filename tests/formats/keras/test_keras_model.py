"""Keras models as networks: every layer under its name, forward and back as Keras itself; files that want no good."""

import io
import json
import zipfile

import numpy as np
import pytest
from support import kerasnets, nets

import pydream
from pydream.errors import NetFileError
from pydream.formats import format_of
from pydream.formats import keras as format_keras
from pydream.formats.keras.keras_model import read_keras
from pydream.runtime.on_tensorflow.door import part, tensorflow


@pytest.fixture(scope="module")
def model():
    return kerasnets.everything()


@pytest.fixture(scope="module")
def model64():
    return kerasnets.everything(dtype="float64")


@pytest.fixture(scope="module")
def keras():
    return part("keras")


def load(model, **options):
    return pydream.load_net(model, device="cpu", **options)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_every_layer_goes_both_ways_as_keras(model, model64, dtype, tolerance):
    """The oracle is Keras in float64; float32 is compared at a few times what was measured, 2e-6."""
    net = load(model, dtype=dtype)
    image = kerasnets.picture()
    for name in kerasnets.BLOBS:
        expected = kerasnets.by_keras(kerasnets.until(model64, name), image, "float64")
        for found, wanted in zip(nets.passes(net, name, image), expected, strict=True):
            assert np.abs(wanted).max() > 0
            assert nets.off(found, wanted) < tolerance, name


def test_blobs_have_the_layers_names(model):
    net = load(model)
    assert net.name == "everything"
    listed = [name for name in net.blobs if name in {*kerasnets.BLOBS, "inner/bn"}]
    assert listed == [*kerasnets.BLOBS[:3], "inner/bn", *kerasnets.BLOBS[3:]]
    assert "classes/BiasAdd" in net.blobs  # before the softmax
    assert next(iter(net.blobs)) == "data"
    assert net.mean.tolist() == [[[0]], [[0]], [[0]]]
    assert net.channel_order == "RGB"
    with pytest.raises(pydream.PydreamError, match="no blob 'block1_conv2'; close: 'block1_conv1'"):
        net.blobs["block1_conv2"]


def test_what_the_network_sees(model, model64):
    """(pixel - mean) * scale, in the network's order of channels."""
    image = kerasnets.picture()
    net = load(model, mean=(100, 110, 120), scale=0.5, channel_order="BGR", dtype="float64")
    picture = np.dstack(list(image[0]))
    shown = pydream.preprocess(net, picture)
    np.testing.assert_array_equal(shown, image[0, ::-1] - np.reshape([100, 110, 120], (3, 1, 1)))
    np.testing.assert_allclose(pydream.deprocess(net, shown), picture, rtol=0, atol=1e-12)
    run = kerasnets.until(model64, "residual")
    expected = kerasnets.by_keras(lambda x: run(x * 0.5), shown[None], "float64")
    for found, wanted in zip(nets.passes(net, "residual", shown[None]), expected, strict=True):
        assert nets.off(found, wanted) < 1e-12


def test_a_declared_size_is_where_it_starts_and_no_limit(model):
    """Fully connected layers fit there; what comes before them takes any picture."""
    keras, kinds = part("keras"), kerasnets.layers()
    net = load(kerasnets.everything((40, 56)))
    assert net.blobs["data"].shape == (1, 3, 40, 56)
    image = kerasnets.picture()
    for found, wanted in zip(
        nets.passes(net, "classes", image), nets.passes(load(model), "classes", image), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)

    image_in = keras.Input((20, 24, 3))
    x = kinds.Conv2D(4, 3, name="conv")(image_in)
    x = kinds.Dense(6, name="dense")(kinds.Flatten(name="flat")(x))
    fixed = kerasnets.seeded(keras.Model(image_in, x, name="fixed"))
    net = load(fixed, dtype="float64")
    assert net.blobs["dense"].shape == (1, 6)
    small = kerasnets.picture((20, 24))
    found, _ = nets.passes(net, "dense", small)
    assert nets.off(found, fixed(small.transpose(0, 2, 3, 1).astype(np.float32)).numpy()) < 1e-5
    found, _ = nets.passes(net, "conv", image)
    assert found.shape == (1, 4, 31, 45)
    with pytest.raises(pydream.PydreamError):
        nets.passes(net, "dense", image)


def test_names_where_layers_are_used_twice_or_make_several(keras):
    kinds = kerasnets.layers()

    class Halves(kinds.Layer):
        def call(self, x):
            first, second = keras.ops.split(x, 2, axis=-1)
            return first, second * 2

    class Plain(keras.Model):
        def __init__(self):
            super().__init__(name="plain")
            self.twice = kinds.Conv2D(4, 3, padding="same", name="twice")
            self.halves = Halves(name="halves")
            self.inside = keras.Sequential([kinds.ReLU(name="relu"), kinds.MaxPooling2D(name="pool")], name="inside")
            self.into = kinds.Conv2D(4, 1, name="into")
            self.mean = kinds.AveragePooling2D(2, name="mean")

        def call(self, x):
            first, second = self.halves(self.twice(self.twice(self.into(x))))
            return self.inside(first) + self.mean(second)

    plain = Plain()
    with pytest.raises(NetFileError, match="plain: not built yet: call it on a picture once"):
        load(plain)
    x = np.float32(kerasnets.picture((16, 24)).transpose(0, 2, 3, 1))
    plain(x)
    kerasnets.seeded(plain)
    net = load(plain)
    names = [name for name in net.blobs if name.split("/")[0] in ("into", "twice", "twice_1", "halves", "inside")]
    assert {"into", "twice", "twice_1", "halves/0", "halves/1", "inside/relu", "inside/pool", "inside"} <= set(names)

    def halves(x):
        return plain.halves(plain.twice(plain.twice(plain.into(x))))[1]

    image = kerasnets.picture((16, 24))
    for found, wanted in zip(
        nets.passes(net, "halves/1", image), kerasnets.by_keras(halves, image, "float32"), strict=True
    ):
        assert nets.off(found, wanted) < 1e-5


@pytest.mark.parametrize("size", [(None, None), (24, 30)])
@pytest.mark.parametrize("exported", [False, True])
def test_convolutions_with_holes(keras, tmp_path, size, exported):
    """TensorFlow writes them as other ones; they are the layers that they were, at any size."""
    kinds = kerasnets.layers()

    def made(size):
        image_in = keras.Input((*size, 3))
        x = kinds.Conv2D(4, (3, 2), dilation_rate=2, padding="same", name="same")(image_in)
        x = kinds.Conv2D(4, 3, dilation_rate=(1, 3), name="valid")(x)
        x = kinds.DepthwiseConv2D(3, dilation_rate=2, padding="same", name="apart")(x)
        return kerasnets.seeded(keras.Model(image_in, x, name="holes"))

    model, end = made(size), "apart"
    if exported:
        model.export(tmp_path / "holes", verbose=False)
        model, end = tmp_path / "holes", "holes_1/apart_1/BiasAdd"
    net, image = load(model, dtype="float64"), kerasnets.picture()
    expected = kerasnets.by_keras(made((None, None)), image, "float32")
    for found, wanted in zip(nets.passes(net, end, image), expected, strict=True):
        assert nets.off(found, wanted) < 2e-6


def test_a_sequence_without_an_input(keras):
    """Keras builds it at the first batch; layer names are Keras's own where none is given."""
    kinds = kerasnets.layers()
    made = keras.Sequential([kinds.Normalization(mean=[1.0, 2, 3], variance=[4.0, 5, 6]), kinds.Conv2D(4, 3)])
    made(np.zeros((1, 12, 12, 3), np.float32))
    kerasnets.seeded(made)
    net = load(made)
    image = kerasnets.picture()
    for found, wanted in zip(
        nets.passes(net, made.layers[-1].name, image),
        kerasnets.by_keras(made, image, "float32"),
        strict=True,
    ):
        assert nets.off(found, wanted) < 1e-5


def test_training_goes_on_and_the_net_stays(keras):
    """A net is the model as it was; the model is not touched."""
    kinds = kerasnets.layers()
    made = kerasnets.seeded(keras.Sequential([keras.Input((None, None, 3)), kinds.Conv2D(4, 3, name="conv")]))
    net = load(made)
    image = kerasnets.picture()
    before, _ = nets.passes(net, "conv", image)
    kept = [weight.numpy() for weight in made.weights]
    made.compile("sgd", "mse")
    x = np.float32(image.transpose(0, 2, 3, 1))
    made.fit(x, np.zeros((1, 31, 45, 4), np.float32), verbose=0)
    assert any((a != b.numpy()).any() for a, b in zip(kept, made.weights, strict=True))
    again, _ = nets.passes(net, "conv", image)
    np.testing.assert_array_equal(before, again)
    now, _ = nets.passes(load(made), "conv", image)
    assert nets.off(now, made(x).numpy().transpose(0, 3, 1, 2)) < 1e-5


def test_a_dream(model):
    net = load(model)
    picture = np.random.RandomState(0).uniform(0, 255, (40, 48, 3)).astype(np.float32)
    dream = pydream.deepdream(net, picture, octave_n=2, iter_n=2, end="residual", rng=np.random.RandomState(0))
    assert dream.shape == picture.shape
    assert np.abs(dream - picture).mean() > 1


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_files(model, tmp_path, name):
    model.save(tmp_path / name)
    net, image = load(tmp_path / name), kerasnets.picture()
    assert net.name == "mine"
    live = load(model)
    assert list(net.blobs) == list(live.blobs)
    for found, wanted in zip(nets.passes(net, "classes", image), nets.passes(live, "classes", image), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_of_any_name(keras, tmp_path, suffix):
    small = keras.Sequential([keras.Input((8, 8, 3)), kerasnets.layers().Conv2D(2, 3)], name="small")
    small.save(tmp_path / f"small{suffix}")
    other = (tmp_path / f"small{suffix}").rename(tmp_path / "small.caffemodel")
    assert format_of(other) is format_keras
    for found, wanted in zip(read_keras(other).get_weights(), small.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_inputs_that_are_no_picture(keras):
    kinds = kerasnets.layers()
    a, b = keras.Input((8, 8, 3), name="a"), keras.Input((8, 8, 3), name="b")
    both = keras.Model([a, b], kinds.Add()([a, b]), name="both")
    two = keras.Sequential([keras.Input((28, 28, 2)), kinds.Conv2D(4, 3)], name="two")
    first = keras.Sequential([keras.Input((3, 28, 28)), kinds.ReLU()], name="first")
    flat = keras.Sequential([keras.Input((12,)), kinds.Dense(4)], name="flat")
    for made, words in [
        (both, r"both: 2 inputs \('a', 'b'\); a dream has one picture"),
        (two, r"two: its input is \(None, 28, 28, 2\); expected \(n, height, width, 3\), a colour picture, or 1"),
        (first, r"first: its input is \(None, 3, 28, 28\)"),
        (flat, r"flat: its input is \(None, 12\)"),
    ]:
        with pytest.raises(NetFileError, match=words):
            load(made)


def test_a_model_of_one_channel_dreams_in_grey(keras, tmp_path):
    kinds = kerasnets.layers()
    made = keras.Sequential(
        [keras.Input((28, 28, 1)), kinds.Rescaling(1 / 255), kinds.Conv2D(4, 3, name="conv"), kinds.Softmax()]
    )
    made.save(tmp_path / "grey.keras")
    net = load(tmp_path / "grey.keras")
    assert net.image.shape == (1, 1, 28, 28)
    colours = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    grey = np.float32(colours @ [0.299, 0.587, 0.114])
    net.image.data[0] = pydream.preprocess(net, colours)
    np.testing.assert_allclose(net.image.data[0, 0], grey, rtol=1e-6)
    net.forward()
    wanted = made(grey[np.newaxis, ..., np.newaxis]).numpy()
    np.testing.assert_allclose(net.blobs[net.outputs[0]].data.transpose(0, 2, 3, 1), wanted, rtol=0, atol=1e-6)
    dream = pydream.deepdream(net, colours, octave_n=1, iter_n=1, end="conv")
    assert (dream == dream[..., :1]).all()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_a_file_is_not_run(keras, tmp_path, suffix):
    """A Lambda layer is refused before Keras sees the file; where the code is one's own, the live model works."""
    kinds, trace = kerasnets.layers(), tmp_path / "run"
    program = f"lambda x: (open({str(trace)!r}, 'w').close(), x * 2)[1]"
    made = keras.Sequential([keras.Input((8, 8, 3)), kinds.Lambda(eval(program), name="mine")])
    path = tmp_path / f"lambda{suffix}"
    made.save(path)
    trace.unlink()
    with pytest.raises(NetFileError, match=r"'Lambda' brings code or files of its own, .* live model"):
        load(path)
    assert not trace.exists()
    assert "mine" in load(made).blobs


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("registered", [False, True])
def test_layers_of_ones_own(keras, tmp_path, suffix, registered):
    kinds = kerasnets.layers()

    class Doubled(kinds.Layer):
        def call(self, x):
            return x * 2

    if registered:
        Doubled = keras.saving.register_keras_serializable("tests")(Doubled)
    made = keras.Sequential([keras.Input((8, 8, 3)), Doubled(name="doubled")])
    path = tmp_path / f"own{suffix}"
    made.save(path)
    with pytest.raises(NetFileError, match=r"own\.(keras|h5): .*Doubled.*live model"):
        load(path)
    assert "doubled" in load(made).blobs


def edited(path, to, **members):
    """A copy of a .keras file with other members; functions change what is there."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            change = members.get(name.replace(".", "_"), lambda content: content)
            if (content := change(source.read(name))) is not None:
                target.writestr(name, content)
    return to


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "saved.keras"
    model.save(path)
    return path


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"class_name": "TFSMLayer", "module": "keras.layers"}, "'TFSMLayer' brings code or files of its own"),
        ({"class_name": "StringLookup", "module": "keras.layers"}, "'StringLookup' brings code or files of its own"),
        (
            {"class_name": "get_file", "module": "keras.utils"},
            r"'get_file' is not one of Keras's layers \(keras.utils\)",
        ),
        ({"class_name": "get_file", "module": "keras.src.utils.file_utils"}, "'get_file' is not one of Keras's layers"),
        ({"class_name": "system", "module": "os"}, r"'system' is not one of Keras's layers \(os\)"),
        ({"class_name": "Popen", "module": "keras.layers.os"}, r"'Popen' is not one of Keras's layers"),
        ({"class_name": "evil", "module": 7}, r"'evil' is not one of Keras's layers \(7\)"),
    ],
)
def test_a_configuration_that_asks_for_more(saved, tmp_path, monkeypatch, layer, words):
    """Versions of Keras differ in what a configuration can have them import, read and fetch: it does not get there."""

    def changed(config):
        found = json.loads(config)
        found["config"]["layers"][1] |= layer
        return json.dumps(found)

    with pytest.raises(NetFileError, match=words):
        load(edited(saved, tmp_path / "more.keras", config_json=changed))


def test_how_it_was_trained_does_not_matter(keras, tmp_path):
    """A loss of one's own is not needed for a dream."""

    def mine(wanted, found):
        return keras.ops.mean(keras.ops.abs(wanted - found))

    made = keras.Sequential([keras.Input((8, 8, 3)), kerasnets.layers().Conv2D(2, 3, name="conv")])
    made.compile("adam", keras.saving.register_keras_serializable("tests")(mine))
    made.fit(np.zeros((1, 8, 8, 3)), np.zeros((1, 6, 6, 2)), verbose=0)
    made.save(tmp_path / "trained.keras")
    assert "conv" in load(tmp_path / "trained.keras").blobs


def test_files_that_are_none(saved, tmp_path):
    cut = tmp_path / "cut.keras"
    cut.write_bytes(saved.read_bytes()[:-200])
    text = tmp_path / "text.h5"
    text.write_text("no network")
    for path, words in [
        (cut, "not a Keras model"),
        (text, "not a Keras model: neither a .keras file nor HDF5"),
        (edited(saved, tmp_path / "a.keras", config_json=lambda _: None), "not a Keras model: no config.json in it"),
        (edited(saved, tmp_path / "b.keras", model_weights_h5=lambda _: None), "no model.weights.h5 in it"),
        (edited(saved, tmp_path / "c.keras", config_json=lambda c: c[:-9]), "its configuration is not JSON"),
        (edited(saved, tmp_path / "d.keras", config_json=lambda _: b"[]"), "its configuration names no class"),
        (edited(saved, tmp_path / "e.keras", config_json=lambda _: b"[" * 10**5), "its configuration is not JSON"),
        (
            edited(saved, tmp_path / "f.keras", model_weights_h5=lambda w: w[:99]),
            "its weights are damaged at '/' or behind it: ",
        ),
        (
            edited(saved, tmp_path / "g.keras", config_json=lambda c: c.replace(b'"same"', b'"other"')),
            "Keras cannot build this model",
        ),
    ]:
        with pytest.raises(NetFileError, match=words) as caught:
            load(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


def test_weights_that_a_file_claims_and_does_not_hold(saved, tmp_path):
    """Neither the configuration nor the HDF5 file inside can make us take memory that the file does not fill."""

    def widened(config):
        found = json.loads(config)
        for layer in found["config"]["layers"]:
            if layer["config"]["name"] == "classes":
                layer["config"]["units"] = 2**40
        return json.dumps(found)

    with pytest.raises(NetFileError, match=r"its layers want \d{11,} weights; the file holds \d{4}\b"):
        load(edited(saved, tmp_path / "wide.keras", config_json=widened))

    h5py = part("h5py")

    def hollow(weights):
        file_in_memory = io.BytesIO(weights)
        with h5py.File(file_in_memory, "r+") as file:
            file.create_dataset("layers/conv2d/vars/9", (2**20, 2**20), "f4", chunks=(64, 64))
        return file_in_memory.getvalue()

    def linked(weights):
        file_in_memory = io.BytesIO(weights)
        with h5py.File(file_in_memory, "r+") as file:
            file["layers/conv2d/vars/9"] = h5py.ExternalLink("/etc/passwd", "/")
        return file_in_memory.getvalue()

    for change in (hollow, linked):
        with pytest.raises(NetFileError, match="weights 'layers/conv2d/vars/9' are claimed, but not in the file"):
            load(edited(saved, tmp_path / f"{change.__name__}.keras", model_weights_h5=change))


def test_a_file_that_unpacks_to_more(saved, tmp_path):
    bomb = tmp_path / "bomb.keras"
    with zipfile.ZipFile(edited(saved, bomb), "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("assets/zeros", "w", force_zip64=True) as member:
            for _ in range(17):
                member.write(bytes(2**20))
        archive.getinfo("assets/zeros").file_size = 2**31  # as the directory at the end tells it
    with pytest.raises(NetFileError, match="it unpacks to more than the 2147483647 bytes"):
        load(bomb)


def test_another_backend_is_an_error(monkeypatch, model):
    monkeypatch.setattr(part("keras").config, "backend", lambda: "jax")
    with pytest.raises(NetFileError, match="Keras runs on jax here; KERAS_BACKEND=tensorflow in the environment would"):
        load(model)


def test_tracing_leaves_keras_as_it_was(model):
    base = next(kind for kind in type(model).__mro__ if kind.__name__ == "Layer")
    call = base.__call__
    load(model)
    assert base.__call__ is call
    tensorflow()
