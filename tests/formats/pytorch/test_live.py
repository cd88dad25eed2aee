"""A live PyTorch module as a net: autograd's own numbers, early ends, and the module left as it was."""

import copy
import pickle
import threading
from collections import OrderedDict

import numpy as np
import pytest
from support import nets

import pydream
from pydream.dream.objectives import class_logit
from pydream.errors import DeviceError, NetInUseError, ShapeError, UnknownNameError, ZeroGradientError
from pydream.net import Affine, Match
from pydream.testing import check_net

torch = pytest.importorskip("torch", reason="NOT PROVEN HERE: PyTorch is not installed")
nn = torch.nn

MEAN, SCALE = (123.675, 116.28, 103.53), (1 / 58.395, 1 / 57.12, 1 / 57.375)
CALLS = []


class Small(nn.Module):
    """What modules have that makes trouble: layers in place, batch statistics, dropout, one that is called twice."""

    def __init__(self, inplace=True):
        super().__init__()
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(3, 8, 3, padding=1),
                bn=nn.BatchNorm2d(8),
                relu=nn.ReLU(inplace=inplace),
                drop=nn.Dropout(0.5),
            )
        )
        self.pool = nn.MaxPool2d(2)
        self.twice = nn.Conv2d(8, 8, 3, padding=1)
        self.unused = nn.Conv2d(3, 3, 1)
        self.last = nn.Conv2d(8, 6, 3)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        x = self.pool(self.stem(x))
        x = torch.tanh(self.twice(x))
        x = self.twice(x)
        x = self.last(x)
        CALLS.append("last")
        return torch.softmax(self.fc(nn.functional.relu_(x).mean((2, 3))), 1)


def small(dtype=torch.float64, **options):
    torch.manual_seed(0)
    module = Small(**options).to(dtype)
    with torch.no_grad():
        module.stem.bn.running_mean.uniform_(-1, 1)
        module.stem.bn.running_var.uniform_(0.5, 2)
    return module


def picture(net, height=20, width=26):
    """A picture in the net's input, minus its mean."""
    net.blobs["data"].reshape(1, 3, height, width)
    net.blobs["data"].data[...] = np.random.RandomState(0).uniform(0, 255, (1, 3, height, width)) - net.mean
    return net.blobs["data"].data


def by_autograd(module, image, run):
    """Half the sum of squares of ``run(module, x)``, and its gradient, with the module in inference mode."""
    module = copy.deepcopy(module).eval()
    x = torch.tensor(image, requires_grad=True)
    scale = torch.tensor(SCALE, dtype=x.dtype).reshape(3, 1, 1)
    made = run(module, x * scale)
    (gradient,) = torch.autograd.grad(made, x, made.detach())
    return made.detach().numpy(), gradient.numpy()


def until_last(module, x):
    x = torch.tanh(module.twice(module.pool(module.stem(x))))
    return module.last(module.twice(x))


PASSES = {
    "stem.conv": lambda module, x: module.stem.conv(x),
    "stem.bn": lambda module, x: module.stem.bn(module.stem.conv(x)),
    "stem": lambda module, x: module.stem(x),
    "pool": lambda module, x: module.pool(module.stem(x)),
    "twice": lambda module, x: module.twice(module.pool(module.stem(x))),
    "last": until_last,
    "fc": lambda module, x: module.fc(until_last(module, x).relu().mean((2, 3))),
    "output": lambda module, x: module(x),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("end", PASSES)
def test_both_ways_as_autograd(end, dtype):
    """To the bit: it is the same code, up to the layer that is asked for."""
    module = small(dtype)
    net = pydream.load_net(module, mean=MEAN, scale=SCALE)
    image = picture(net)
    values, gradient = by_autograd(module, image, PASSES[end])
    assert net.dtype == values.dtype
    np.testing.assert_array_equal(net.forward(end)[end], values)
    blob = net.blobs[end]
    assert blob.shape == values.shape
    net.forward(end, tensor=image)
    blob.copy_data_to_diff()
    np.testing.assert_array_equal(net.backward(end), gradient)
    np.testing.assert_array_equal(net.blobs["data"].diff, gradient)
    assert np.abs(gradient).max() > 0


def test_names_and_facts():
    net = pydream.load_net(small())
    assert (list(net.blobs)[:3], list(net.blobs)[-1]) == (["data", "stem", "stem.conv"], "output")
    assert {"stem.conv", "stem.relu", "twice", "fc"} < set(net.blobs)
    assert len(net.blobs) == len(list(net.blobs))
    assert (net.name, net.device, net.channel_order, net.channels_last) == ("Small", "CPU:0", "RGB", False)
    assert net.mean.ravel().tolist() == [0, 0, 0]
    assert net.default_end == "last"
    assert net.logits == ("fc", 4)
    with pytest.raises(UnknownNameError, match=r"no blob 'stem.con'; close: 'stem.conv'"):
        net.blobs["stem.con"]
    with pytest.raises(UnknownNameError, match="'unused' is in Small, but a pass does not make it"):
        net.forward("unused")


def test_table():
    """One pass for all shapes; what it does not make has none."""
    net = pydream.load_net(small())
    net.resize(20, 26)
    CALLS.clear()
    lines = {line.split()[0]: line.split()[1:] for line in repr(net).splitlines()[1:]}
    assert CALLS == ["last"]
    assert lines["data"] == ["Input", "1×3×20×26"]
    assert lines["stem.conv"] == ["Conv2d", "1×8×20×26"]
    assert lines["output"] == ["Small", "1×4"]
    assert lines["unused"] == ["Conv2d", "none"]
    assert "<td" in net.blobs._repr_html_()
    net.resize(1, 1)
    assert "last       Conv2d       none" in repr(net)


def test_a_pass_ends_where_its_end_is():
    net = pydream.load_net(small())
    picture(net)
    CALLS.clear()
    net.forward("twice")
    assert CALLS == []
    net.forward("output")
    assert CALLS == ["last"]


def test_the_module_is_left_as_it_was():
    module = small().train()
    module.stem.drop.eval()
    module.fc.requires_grad_(False)
    module.fc(torch.ones(1, 6, dtype=torch.float64))
    before = copy.deepcopy(module)
    module.last.weight.grad = torch.ones_like(module.last.weight)
    net = pydream.load_net(module)
    for end in ("stem", "output"):
        picture(net)
        net.forward(end)
        net.blobs[end].copy_data_to_diff()
        net.backward(end)
    net.blobs["data"].reshape(1, 3, 2, 2)
    with pytest.raises(ShapeError):
        net.forward("last")
    assert net.module is module
    assert [each.training for each in module.modules()] == [each.training for each in before.modules()]
    for now, then in zip(module.parameters(), before.parameters(), strict=True):
        assert torch.equal(now, then)
        assert now.requires_grad == then.requires_grad
        assert now.grad is None or torch.equal(now.grad, torch.ones_like(now))
    assert [key for key, each in module.named_parameters() if each.grad is not None] == ["last.weight"]
    assert torch.equal(module.stem.bn.running_mean, before.stem.bn.running_mean)
    assert module.stem.bn.num_batches_tracked == 0
    assert not any(each._forward_hooks for each in module.modules())
    module(torch.ones(2, 3, 20, 20, dtype=torch.float64)).sum().backward()  # it can be trained


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_where_gradients_are_off(mode):
    module = small()
    net = pydream.load_net(module, scale=SCALE)
    image = picture(net)
    _, expected = by_autograd(module, image, PASSES["last"])
    with mode():
        net = pydream.load_net(module, scale=SCALE)
        image = picture(net)
        net.forward("last", tensor=image)
        net.blobs["last"].copy_data_to_diff()
        np.testing.assert_array_equal(net.backward("last"), expected)
        assert not torch.is_grad_enabled()


@pytest.mark.parametrize("end", ["stem.bn", "twice", "last"])
def test_what_is_changed_in_place_later(end):
    """The blob is what the layer itself made, and its gradient that of this, while a later one is wanted too."""
    found = []
    for inplace in (True, False):
        net = pydream.load_net(small(inplace=inplace))
        picture(net)
        net.forward((end, "output"))
        net.blobs[end].copy_data_to_diff()
        net.blobs["output"].clear_diff()
        found.append((net.blobs[end].data, net.backward((end, "output"))))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_several_ends_add_up():
    net = pydream.load_net(small())
    picture(net)
    gradients = []
    for ends in (("pool",), ("last",), ("pool", "last")):
        net.forward(ends)
        for end in ends:
            net.blobs[end].copy_data_to_diff()
        gradients.append(net.backward(ends).copy())
    assert nets.off(gradients[2], gradients[0] + gradients[1]) < 1e-12
    net.forward()
    assert net.blobs["pool"].data.shape == (1, 8, 10, 13)  # on the way, and asked for afterwards
    net.blobs["pool"].copy_data_to_diff()
    np.testing.assert_array_equal(net.backward("pool"), gradients[0])


def test_seeds():
    rng = np.random.RandomState(0)
    module = small()
    net = pydream.load_net(module)
    picture(net)
    for seed in (
        Affine(2, 1),
        Affine(rng.normal(size=(8, 1, 1)), rng.normal(size=(8, 10, 13))),
        Match(rng.normal(size=(8, 3, 4))),
    ):
        found = []
        for read_first in (False, True):
            net.forward("pool")
            if read_first:  # then it is arrays, by the definition
                assert net.blobs["pool"].data.flags.writeable
            net.blobs["pool"].drive(seed)
            diff = net.blobs["pool"].diff.copy()
            assert diff.shape == net.blobs["pool"].shape
            found.append((diff, net.backward("pool").copy()))
        for one, other in zip(*found, strict=True):
            assert nets.off(one, other) < 1e-12
    net.blobs["pool"].clear_diff()
    assert not net.blobs["pool"].diff.any()
    assert not net.backward("pool").any()


class Several(nn.Module):
    """A tuple in a mapping in what it returns, numbers that are no tensor, and a head of classes without weights."""

    def __init__(self):
        super().__init__()
        self.split = Split()
        self.conv = nn.Conv2d(2, 5, 1)

    def forward(self, x):
        first, rest = self.split(x)
        return {"out": self.conv(first), "aux": [rest, 3]}


class Split(nn.Module):
    def forward(self, x):
        return x[:, :2] * 2, x[:, 2:]


def test_parts_of_outputs():
    net = pydream.load_net(Several().double())
    image = picture(net)
    np.testing.assert_array_equal(net.forward("split/1")["split/1"], image[:, 2:])
    assert net.blobs["split/0"].shape == (1, 2, 20, 26)
    assert list(net.forward()) == ["output/out", "output/aux/0"]
    net.blobs["output/aux/0"].diff[...] = 3
    net.blobs["output/out"].clear_diff()
    np.testing.assert_array_equal(net.backward()[0, :, 0, 0], [0, 0, 3])
    for name in ("split", "split/2", "output/aux/1"):
        with pytest.raises(
            UnknownNameError, match=f"'{name}' is in Several, but a pass does not make it, or as no tensor"
        ):
            net.forward(name)
    with pytest.raises(UnknownNameError, match="no blob 'cut/0'"):
        net.forward("cut/0")


def test_classes():
    pooled = nn.Sequential(nn.Conv2d(3, 7, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert pydream.load_net(pooled).logits == ("output", 7)
    assert pydream.load_net(nn.Sequential(nn.Conv2d(3, 7, 1), nn.ReLU())).logits is None
    fixed = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 16, 5))
    net = pydream.load_net(fixed)
    assert net.logits == ("2", 5)
    net.blobs["data"].reshape(1, 3, 5, 5)
    with pytest.raises(ShapeError, match=r"Sequential does not run on a picture of 5x5: mat1 and mat2 shapes"):
        net.forward("2")
    assert class_logit(pydream.load_net(small(torch.float32)), 3).terms[0].layer == "fc"


def test_a_net_of_its_own_type_and_place():
    module = small(torch.float32)
    assert pydream.load_net(module, dtype="float32").module is module
    exact = pydream.load_net(module, dtype="float64")
    assert (exact.dtype, next(module.parameters()).dtype) == (np.float64, torch.float32)
    image = picture(exact)
    values, _ = by_autograd(copy.deepcopy(module).double(), image / np.reshape(SCALE, (3, 1, 1)), PASSES["last"])
    assert nets.off(exact.forward("last")["last"], values) < 1e-12
    with pytest.raises(ValueError, match=r"Small has weights of torch\.float16; dtype='float32' makes a copy"):
        pydream.load_net(small(torch.float16))
    assert pydream.load_net(small(torch.float16), dtype="float32").dtype == np.float32
    assert pydream.load_net(nn.Sequential(nn.ReLU())).dtype == np.float32  # no weights
    for options, error, words in [
        ({"dtype": "float16"}, ValueError, "float16 is not supported"),
        ({"runtime": "numpy"}, ValueError, "runs on PyTorch, not on the runtime 'numpy'"),
        ({"input": "x"}, ValueError, "a live PyTorch module has one input"),
        ({"device": "gpu:99"}, DeviceError, "no 'gpu:99' for PyTorch"),
        ({"device": "tpu"}, ValueError, "'tpu', expected auto, cpu, gpu or gpu:N"),
    ]:
        with pytest.raises(error, match=words):
            pydream.load_net(module, **options)


def test_what_is_around_a_module():
    module = small()
    assert pydream.load_net(nn.DataParallel(module)).module is module
    compiled = type("OptimizedModule", (nn.Module,), {})()
    compiled._orig_mod = module
    assert pydream.load_net(compiled).module is module
    with pytest.raises(ValueError, match="TorchScript, which cannot be looked into; load_net takes the module"):
        pydream.load_net(torch.jit.trace(nn.ReLU(), torch.ones(1)))


def test_one_channel():
    torch.manual_seed(0)
    net = pydream.load_net(nn.Sequential(nn.Conv2d(1, 4, 5), nn.Tanh()).double(), mean=(127,), scale=1 / 128)
    assert net.blobs["data"].shape[1] == net.mean.size == 1
    start = np.random.RandomState(0).uniform(0, 255, (20, 24, 3))
    dream = pydream.deepdream(net, start, octave_n=1, iter_n=2, rng=np.random.RandomState(0))
    assert np.ptp(dream, axis=2).max() == 0
    assert np.ptp(dream) > 100


def test_no_gradient():
    class Blind(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return self.conv(x.detach())

    net = pydream.load_net(Blind())
    with pytest.raises(ZeroGradientError):
        pydream.deepdream(net, np.zeros((8, 8, 3)) + 99, octave_n=1, iter_n=1)
    with pytest.raises(ShapeError, match="run forward to it"):
        pydream.load_net(Blind()).backward("conv")


def test_one_thread():
    net = pydream.load_net(small())
    refusals = []

    def other():
        try:
            net.forward("pool")
        except NetInUseError as error:
            refusals.append(error)

    with net.one_thread():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refusals) == 1


def test_copies():
    net = pydream.load_net(small())
    picture(net)
    expected = net.forward("last")["last"].copy()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        picture(other)
        np.testing.assert_array_equal(other.forward("last")["last"], expected)
        assert other.module is not net.module


# ---- against Caffe's layers, and the dream ----


def twins(folder, *pool):
    """Make a module, and Caffe's files of the same network."""
    torch.manual_seed(0)
    first, last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 6, 3)
    layers = OrderedDict(conv=first, relu=nn.ReLU(), **{"pool": nn.MaxPool2d(2)} if pool else {}, output=last)
    words = [
        ("conv", "Convolution", "data", "conv", "convolution_param { num_output: 8 kernel_size: 3 pad: 1 }"),
        ("relu", "ReLU", "conv", "relu"),
        *pool,
        (
            "output",
            "Convolution",
            "pool" if pool else "relu",
            "output",
            "convolution_param { num_output: 6 kernel_size: 3 }",
        ),
    ]
    module = nn.Sequential(layers).double()
    weights = {name: [each.detach().numpy() for each in layers[name].parameters()] for name in ("conv", "output")}
    (folder / "net.prototxt").write_text(
        nets.inputs(data=(1, 3, 24, 24)) + "".join(nets.layer(*each) for each in words)
    )
    (folder / "net.caffemodel").write_bytes(nets.weights(**weights).SerializeToString())
    return module, folder / "net.prototxt"


POOL = ("pool", "Pooling", "relu", "pool", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
OF_CAFFE = {"mean": (104, 116, 122), "channel_order": "BGR"}


def test_a_dream_is_that_of_the_same_network_of_caffes(tmp_path):
    module, files = twins(tmp_path, POOL)
    start = np.random.RandomState(0).uniform(0, 255, (48, 56, 3))
    images = [
        pydream.deepdream(net, start, octave_n=2, iter_n=3, end="output", rng=np.random.RandomState(0))
        for net in (
            pydream.load_net(module, **OF_CAFFE),
            pydream.load_net(files, dtype="float64", runtime="numpy", **OF_CAFFE),
        )
    ]
    assert nets.off(*images) < 1e-9
    assert np.abs(images[0] - start).mean() > 1


def test_a_dream_is_that_of_the_onnx_file_of_the_module(tmp_path):
    module, _ = twins(tmp_path, POOL)
    torch.onnx.export(module, torch.zeros(1, 3, 24, 24, dtype=torch.float64), str(tmp_path / "net.onnx"), dynamo=False)
    start = np.random.RandomState(0).uniform(0, 255, (40, 44, 3))
    live, file = (
        pydream.load_net(model, dtype="float64", mean=MEAN, scale=SCALE, **engine)
        for model, engine in ((module, {}), (tmp_path / "net.onnx", {"runtime": "numpy"}))
    )
    how = {"octave_n": 2, "iter_n": 3}
    images = [
        pydream.deepdream(net, start, end=end, rng=np.random.RandomState(0), **how)
        for net, end in ((live, "output"), (file, list(file.blobs)[-1]))
    ]
    assert nets.off(*images) < 1e-9
    assert np.abs(images[0] - start).mean() > 1


def test_it_is_a_port(tmp_path):
    """All that is asked of a runtime, against the reference, its gradients and its seeds."""
    module, files = twins(tmp_path)
    report = check_net(pydream.load_net(module, **OF_CAFFE), files, files.with_suffix(".caffemodel"))
    assert not report.failures
