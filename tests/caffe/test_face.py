"""pycaffe's face: its constructors, passes, lists of layers, weights and classifier, as its own code has them."""

import re

import numpy as np
import pytest
from support import inputs, nets

from pydream import caffe, load_net
from pydream.errors import NetFileError, ShapeError, UnknownNameError
from pydream.formats.caffe import caffe_pb2
from pydream.picture import to_pixels

RNG = np.random.default_rng(4)
IMAGE = RNG.normal(0, 50, (1, 3, 24, 24))


@pytest.fixture
def files(tmp_path):
    model = inputs.write(tmp_path, 3)
    return str(model), str(model.with_suffix(".caffemodel"))


@pytest.fixture
def net(files):
    return caffe.Net(*files, caffe.TEST, dtype="float64", runtime="numpy")


def opened(*args, **more):
    return caffe.Net(*args, **{"dtype": "float64", "runtime": "numpy", **more})


def test_every_constructor_of_caffe(files, net):
    model, weights = files
    others = [
        opened(model, caffe.TEST, weights=weights),
        opened(network_file=model, phase=caffe.TEST, weights=weights),
        opened(model, weights),
    ]
    wanted = net.forward(data=IMAGE)["prob"]
    for other in others:
        np.testing.assert_array_equal(other.forward(data=IMAGE)["prob"], wanted)
    with pytest.raises(ValueError, match="phase must be TEST"):
        opened(model, weights, caffe.TRAIN)
    for wrong in ((model, weights, caffe.TEST, caffe.TEST), (model, weights, weights)):
        with pytest.raises(TypeError, match="a network, weights and a phase, once each"):
            opened(*wrong)


def test_weights_may_follow(files, net, tmp_path):
    """Without any, the first pass that needs them says so."""
    model, weights = files
    bare = opened(model, caffe.TEST)
    with pytest.raises(NetFileError, match="no weights for layer 'one'"):
        bare.forward(data=IMAGE)
    bare.copy_from(weights)
    np.testing.assert_array_equal(bare.forward(data=IMAGE)["prob"], net.forward(data=IMAGE)["prob"])
    with pytest.raises(NetFileError, match="no weights for layer 'one'"):
        opened(model)

    other = nets.weights(two=[np.zeros((5, 6, 3, 3)), np.full(5, 7.0)], three=[np.ones(3)])
    before = net.forward(end="two")["two"].copy()
    net.copy_from(other)
    assert (net.forward(end="two")["two"] == 7).all()  # and `one` stays
    np.testing.assert_array_equal(net.params["one"][0].data, bare.params["one"][0].data)
    assert net.image.data.any()
    net.share_with(bare)
    np.testing.assert_array_equal(net.forward(end="two")["two"], before)
    with pytest.raises(NetFileError, match="no weights for any layer"):
        net.copy_from(nets.weights(three=[np.ones(3)]))
    grey = opened(nets.parse(inputs.text(1)), nets.weights(**inputs.weights(1)))
    with pytest.raises(ShapeError, match="layer 'one' has weights"):
        net.share_with(grey)


def test_a_saved_caffemodel_is_read_again(files, net, tmp_path):
    """Beside the prototxt, and alone: it has the layers too."""
    net.save(tmp_path / "saved.caffemodel")
    for again in (opened(files[0], tmp_path / "saved.caffemodel"), opened(tmp_path / "saved.caffemodel")):
        np.testing.assert_array_equal(again.forward(data=IMAGE)["prob"], net.forward(data=IMAGE)["prob"])
    saved = caffe_pb2.NetParameter.FromString((tmp_path / "saved.caffemodel").read_bytes())
    assert [(layer.name, layer.type) for layer in saved.layer][:2] == [("data", "Input"), ("one", "Convolution")]
    assert [list(blob.shape.dim) for blob in saved.layer[1].blobs] == [[6, 3, 3, 3], [6]]
    assert not saved.layer[1].blobs[0].double_data  # float32 holds them

    net.copy_from(nets.weights(two=[nets.blob(np.full((5, 6, 3, 3), 1 / 3), double=True), np.ones(5)]))
    net.save(tmp_path / "double.caffemodel")
    assert (opened(files[0], tmp_path / "double.caffemodel").params["two"][0].data == 1 / 3).all()
    with pytest.raises(NetFileError, match="cannot write"):
        net.save(tmp_path / "no" / "saved.caffemodel")


def test_backward_gives_what_caffe_gives(net):
    """The inputs' gradients by name, and more of them; each is made when it is read."""
    net.forward(end="two", data=IMAGE)
    seed = RNG.normal(size=net.blobs["two"].shape)
    found = net.backward(diffs=["one"], start="two", two=seed)
    assert list(found) == ["data", "one"]
    wanted = nets.passes(net, "two", IMAGE)  # another seed, the same weights
    net.forward(end="two")
    net.blobs["two"].diff[...] = seed
    g = net.gradient("two")
    np.testing.assert_array_equal(found["data"], g)
    assert found["data"] is net.blobs["data"].diff
    assert found["one"].shape == (1, 6, 24, 24)
    assert not np.array_equal(wanted[1], g)
    assert list(net.backward(start="two", end="two")) == ["one"]
    with pytest.raises(KeyError):
        found["two"]


def test_the_notebooks_loop_copies_nothing(net, monkeypatch):
    """`net.backward(start=end)` beside a gradient that is read as a tensor: no blob is made of it."""
    net.forward(end="two", data=IMAGE)
    net.blobs["two"].copy_data_to_diff()
    made = []
    monkeypatch.setattr(net, "to_caffe", lambda tensor: made.append(tensor) or np.zeros(1))
    found = net.backward(start="two")
    assert not made
    assert len(found) == 1
    found["data"]
    assert len(made) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda net: net.backward(start="two", one=np.ones(1)),
            UnknownNameError,
            "no blob where the pass starts 'one'",
        ),
        (
            lambda net: net.backward(start="two", two=np.ones((2, 5, 12, 12))),
            ShapeError,
            "holds 1 in a batch, and not 2",
        ),
        (lambda net: net.backward(["no"], start="two"), UnknownNameError, "no blob 'no'"),
        (lambda net: net.backward(start="two", end="no"), UnknownNameError, "no layer 'no'"),
        (lambda net: net.backward("two"), TypeError, "write start='two'"),
        (lambda net: net.forward("two"), TypeError, "a list of blobs; write end='two'"),
        (lambda net: net.forward(["no"]), UnknownNameError, "no blob 'no'"),
        (lambda net: net.forward(start="no"), UnknownNameError, "no layer 'no'"),
        (lambda net: net.forward(start="two"), ValueError, "a pass begins at the inputs"),
        (lambda net: net.forward(data=np.zeros((2, 3, 24, 24))), ShapeError, "holds 1 in a batch, and not 2"),
        (lambda net: net.forward(date=IMAGE), UnknownNameError, "no input 'date'"),
    ],
)
def test_what_the_passes_refuse(net, call, error, message):
    net.forward(end="two", data=IMAGE)
    with pytest.raises(error, match=re.escape(message)):
        call(net)


def test_forward_gives_more_blobs(net):
    found = net.forward(["one", "fc"], start="one", end="fc", data=IMAGE)
    assert sorted(found) == ["fc", "one"]
    assert (found["one"] >= 0).all()  # behind its ReLU, which runs in place
    assert sorted(net.forward(blobs=["two"], start="data")) == ["prob", "two"]


def test_forward_all_fills_the_last_batch(files):
    text = inputs.text(3).replace("dim: 1 dim: 3", "dim: 2 dim: 3")
    net = opened(nets.parse(text), files[1])
    images = RNG.normal(0, 50, (5, 3, 24, 24))
    found = net.forward_all(blobs=["fc"], data=images)
    assert sorted(found) == ["fc", "prob"]
    assert found["prob"].shape == (5, 4)
    single = opened(*files)
    wanted = [single.forward(data=image[np.newaxis])["prob"][0].copy() for image in images]
    np.testing.assert_allclose(found["prob"], wanted, rtol=1e-12)


def test_layers_are_in_the_order_of_their_names(net):
    assert net._layer_names == ["data", "one", "relu", "two", "fc", "prob"]
    assert [layer.type for layer in net.layers] == [
        "Input",
        "Convolution",
        "ReLU",
        "Convolution",
        "InnerProduct",
        "Softmax",
    ]
    assert list(net._blob_names) == ["data", "one", "two", "fc", "prob"]
    kernel, bias = net.layers[net._layer_names.index("two")].blobs
    assert kernel is net.params["two"][0]
    assert bias.shape == (5,)
    assert net.layer_dict["relu"].blobs == []
    assert list(net.layer_dict) == net._layer_names


def test_what_is_missing_says_what_to_use(net):
    for thing, name, advice in (
        (caffe, "SGDSolver", "nothing is trained here"),
        (caffe, "NetSpec", "write the prototxt as text"),
        (caffe, "Detector", "Classifier.predict"),
        (caffe.io, "resize", "call `resize_image`"),
        (net, "save_hdf5", "`save` writes a caffemodel"),
    ):
        with pytest.raises(AttributeError, match=re.escape(advice)):
            getattr(thing, name)
        assert not hasattr(thing, "nothing")
    with pytest.raises(AttributeError, match=r"'Net' object has no attribute 'nothing'$"):
        net.nothing  # noqa: B018


# ---- Classifier ----


def classifier(files, **more):
    return caffe.Classifier(*files, **{"dtype": "float64", "runtime": "numpy", **more})


def test_a_classifier_has_pycaffes_transformer(files):
    mean = np.float64([104, 116, 122])
    net = classifier(files, mean=mean, channel_swap=(2, 1, 0), raw_scale=255, image_dims=(30, 40))
    picture = RNG.random((24, 24, 3)).astype(np.float32)
    wanted = picture.transpose(2, 0, 1)[::-1] * 255 - mean.reshape(3, 1, 1)
    made = net.transformer.preprocess("data", picture)
    np.testing.assert_allclose(made, wanted, rtol=0, atol=2e-5)
    np.testing.assert_allclose(net.transformer.deprocess("data", made), picture, rtol=0, atol=1e-6)
    assert net.transformer.channel_swap["data"] == (2, 1, 0)
    assert (net.image_dims, net.crop_dims) == ((30, 40), (24, 24))
    np.testing.assert_array_equal(net.mean.ravel(), mean)


def test_a_mean_picture_is_averaged_for_dreams(files):
    """And resized for `preprocess`."""
    mean = RNG.uniform(90, 130, (3, 24, 24))
    net = classifier(files, mean=mean)
    np.testing.assert_allclose(net.mean.ravel(), mean.mean((1, 2)), rtol=1e-12)
    assert net.transformer.mean["data"].shape == (3, 24, 24)
    large = classifier(files, mean=np.kron(np.float64([1, 2, 3]).reshape(3, 1, 1), np.ones((1, 48, 48))))
    np.testing.assert_allclose(large.mean.ravel(), [1, 2, 3])
    assert large.transformer.mean["data"].shape == (3, 24, 24)


def test_predict_averages_ten_crops(files):
    net = classifier(files, mean=np.float64([104, 116, 122]), raw_scale=255, image_dims=(30, 40))
    pictures = list(RNG.random((2, 33, 47, 3)).astype(np.float32))
    resized = [caffe.io.resize_image(each, (30, 40)) for each in pictures]
    single = classifier(files)

    def probabilities(crop):
        return single.forward(data=net.transformer.preprocess("data", crop)[np.newaxis])["prob"][0].copy()

    ten = [np.mean([probabilities(crop) for crop in caffe.io.oversample([each], (24, 24))], axis=0) for each in resized]
    np.testing.assert_allclose(net.predict(pictures), ten, rtol=1e-9)
    middle = [probabilities(each[3:27, 8:32]) for each in resized]
    np.testing.assert_allclose(net.predict(pictures, oversample=False), middle, rtol=1e-9)


def test_a_dream_takes_no_input_scale(files):
    import pydream

    picture = to_pixels(RNG.uniform(0, 255, (24, 24, 3)))
    net = classifier(files, input_scale=0.00390625)
    assert net.transformer.preprocess("data", picture).max() <= 1
    with pytest.raises(ShapeError, match=r"input_scale 0.00390625, and a dream's input is pixels minus the mean"):
        pydream.deepdream(net, picture, end="two", octave_n=1)
    assert classifier(files, raw_scale=255).image.shape == (1, 3, 24, 24)


def test_the_case(shared, monkeypatch, capsys):
    folder = shared / "cases" / "pycaffe-face"
    if not folder.is_dir():
        pytest.skip("no cases")
    import runpy

    runpy.run_path(str(folder / "try.py"))
    out = capsys.readouterr().out  # of a net, a table
    assert "FAIL" not in out
    assert sum(line.startswith("ok  ") for line in out.splitlines()) == 13


def test_load_net_makes_a_classifier(files):
    net = load_net(files[0], runtime="numpy")
    assert isinstance(net, caffe.Classifier)
    assert net.twin().backward.__func__ is caffe.Net.backward
