"""The layer sequences of public networks, written anew from their papers' tables: what people have and try first.

`NETWORKS` has a function a network, which writes its prototxt; the last convolution that a dream is tried with is what
`Sequence.dreamt` says. Layers of forks of Caffe are there too, since files of people have them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Sequence:
    """A prototxt as it is written, layer by layer."""

    name: str
    size: tuple[int, int] = (224, 224)
    channels: int = 3
    dreamt: str = ""  # the blob to dream with
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        height, width = self.size
        self.lines.append(f'name: "{self.name}"')
        self.lines.append(
            'layer { name: "data" type: "Input" top: "data"'
            f" input_param {{ shape {{ dim: 1 dim: {self.channels} dim: {height} dim: {width} }} }} }}"
        )

    def add(self, kind: str, name: str, bottoms: str, tops: str | None = None, more: str = "") -> str:
        """Add a layer; return its first top."""
        tops = name if tops is None else tops
        ends = " ".join([f'bottom: "{each}"' for each in bottoms.split()] + [f'top: "{each}"' for each in tops.split()])
        self.lines.append(f'layer {{ name: "{name}" type: "{kind}" {ends} {more} }}')
        return tops.split()[0]

    def conv(
        self, name: str, bottom: str, out: int, kernel: int, stride: int = 1, pad: int | None = None, **how
    ) -> str:
        """Add a convolution, by default padded to the same size, and a rectifier in place unless `relu` is False."""
        pad = kernel // 2 if pad is None else pad
        more = f"num_output: {out} kernel_size: {kernel} stride: {stride} pad: {pad}"
        for key, value in how.items():
            if key in ("group", "dilation"):
                more += f" {key}: {value}"
        if how.get("bias") is False:
            more += " bias_term: false"
        self.add("Convolution", name, bottom, more=f"convolution_param {{ {more} }}")
        if how.get("norm"):
            self.add("BatchNorm", f"{name}/bn", name, name)
            self.add("Scale", f"{name}/scale", name, name, "scale_param { bias_term: true }")
        if how.get("relu", True):
            self.relu(name)
        return name

    def relu(self, blob: str) -> str:
        return self.add("ReLU", f"{blob}/relu", blob, blob)

    def pool(self, name: str, bottom: str, kernel: int, stride: int, pad: int = 0, way: str = "MAX") -> str:
        return self.add(
            "Pooling",
            name,
            bottom,
            more=f"pooling_param {{ pool: {way} kernel_size: {kernel} stride: {stride} pad: {pad} }}",
        )

    def everything(self, name: str, bottom: str) -> str:
        return self.add("Pooling", name, bottom, more="pooling_param { pool: AVE global_pooling: true }")

    def dense(self, name: str, bottom: str, out: int, relu: bool = False) -> str:
        self.add("InnerProduct", name, bottom, more=f"inner_product_param {{ num_output: {out} }}")
        return self.relu(name) if relu else name

    def lrn(self, name: str, bottom: str, size: int = 5, region: str = "ACROSS_CHANNELS") -> str:
        more = f"local_size: {size} alpha: 0.0001 beta: 0.75 norm_region: {region}"
        return self.add("LRN", name, bottom, more=f"lrn_param {{ {more} }}")

    def concat(self, name: str, *bottoms: str) -> str:
        return self.add("Concat", name, " ".join(bottoms))

    def plus(self, name: str, *bottoms: str) -> str:
        return self.add("Eltwise", name, " ".join(bottoms))

    def up(self, name: str, bottom: str, out: int, kernel: int, stride: int, pad: int = 0, group: int = 1) -> str:
        more = f"num_output: {out} kernel_size: {kernel} stride: {stride} pad: {pad} group: {group} bias_term: false"
        return self.add("Deconvolution", name, bottom, more=f"convolution_param {{ {more} }}")

    def crop(self, name: str, bottom: str, like: str, offset: int = 0) -> str:
        return self.add("Crop", name, f"{bottom} {like}", more=f"crop_param {{ axis: 2 offset: {offset} }}")

    def classes(self, bottom: str, count: int, name: str = "fc8") -> None:
        self.dense(name, bottom, count)
        self.add("Softmax", "prob", name)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


NETWORKS: dict[str, Callable[[], Sequence]] = {}


def network(function: Callable[[], Sequence]) -> Callable[[], Sequence]:
    NETWORKS[function.__name__] = function
    return function


@network
def lenet() -> Sequence:
    net = Sequence("LeNet", (28, 28), 1, "conv2")
    net.conv("conv1", "data", 20, 5, pad=0, relu=False)
    net.pool("pool1", "conv1", 2, 2)
    net.conv("conv2", "pool1", 50, 5, pad=0, relu=False)
    net.pool("pool2", "conv2", 2, 2)
    net.dense("ip1", "pool2", 500, relu=True)
    net.classes("ip1", 10, "ip2")
    return net


@network
def cifar10_full() -> Sequence:
    net = Sequence("CIFAR10_full", (32, 32), 3, "conv3")
    net.conv("conv1", "data", 32, 5, relu=False)
    net.pool("pool1", "conv1", 3, 2)
    net.relu("pool1")
    net.lrn("norm1", "pool1", 3, "WITHIN_CHANNEL")
    net.conv("conv2", "norm1", 32, 5)
    net.pool("pool2", "conv2", 3, 2, way="AVE")
    net.lrn("norm2", "pool2", 3, "WITHIN_CHANNEL")
    net.conv("conv3", "norm2", 64, 5)
    net.pool("pool3", "conv3", 3, 2, way="AVE")
    net.classes("pool3", 10, "ip1")
    return net


def _alex(name: str, first: str) -> Sequence:
    """Write AlexNet; CaffeNet pools first and normalises then."""
    net = Sequence(name, (227, 227), 3, "conv4")
    net.conv("conv1", "data", 96, 11, 4, 0)
    blob = "conv1"
    for i, (out, kernel) in enumerate(((256, 5), (384, 3)), start=1):
        if first == "norm":
            blob = net.pool(f"pool{i}", net.lrn(f"norm{i}", blob), 3, 2)
        else:
            blob = net.lrn(f"norm{i}", net.pool(f"pool{i}", blob, 3, 2))
        blob = net.conv(f"conv{i + 1}", blob, out, kernel, group=2 if i == 1 else 1)
    net.conv("conv4", "conv3", 384, 3, group=2)
    net.conv("conv5", "conv4", 256, 3, group=2)
    net.pool("pool5", "conv5", 3, 2)
    for name, bottom in (("fc6", "pool5"), ("fc7", "fc6")):
        net.dense(name, bottom, 4096, relu=True)
        net.add("Dropout", f"drop{name[2:]}", name, name)
    net.classes("fc7", 1000)
    return net


@network
def alexnet() -> Sequence:
    return _alex("AlexNet", "norm")


@network
def caffenet() -> Sequence:
    return _alex("CaffeNet", "pool")


@network
def zfnet() -> Sequence:
    net = Sequence("ZFNet", dreamt="conv5")
    net.lrn("norm1", net.pool("pool1", net.conv("conv1", "data", 96, 7, 2, 1), 3, 2))
    net.lrn("norm2", net.pool("pool2", net.conv("conv2", "norm1", 256, 5, 2, 0), 3, 2))
    blob = "norm2"
    for i, out in enumerate((512, 1024, 512), start=3):
        blob = net.conv(f"conv{i}", blob, out, 3)
    net.classes(net.dense("fc7", net.dense("fc6", net.pool("pool5", blob, 3, 2), 4096, True), 4096, True), 1000)
    return net


@network
def vgg_cnn_s() -> Sequence:
    net = Sequence("VGG_CNN_S", dreamt="conv5")
    net.lrn("norm1", net.conv("conv1", "data", 96, 7, 2, 0))
    net.conv("conv2", net.pool("pool1", "norm1", 3, 3), 256, 5, pad=0)
    blob = net.pool("pool2", "conv2", 2, 2)
    for i in (3, 4, 5):
        blob = net.conv(f"conv{i}", blob, 512, 3)
    net.classes(net.dense("fc6", net.pool("pool5", blob, 3, 3), 4096, True), 1000)
    return net


def _vgg(net: Sequence, counts: tuple[int, ...], pad: int = 1) -> str:
    blob = "data"
    for stage, (count, out) in enumerate(zip(counts, (64, 128, 256, 512, 512), strict=False), start=1):
        for i in range(1, count + 1):
            blob = net.conv(f"conv{stage}_{i}", blob, out, 3, pad=pad if (stage, i) == (1, 1) else 1)
        blob = net.pool(f"pool{stage}", blob, 2, 2)
    return blob


@network
def vgg16() -> Sequence:
    net = Sequence("VGG16", dreamt="conv4_3")
    blob = net.dense("fc7", net.dense("fc6", _vgg(net, (2, 2, 3, 3, 3)), 4096, True), 4096, True)
    net.classes(blob, 1000)
    return net


@network
def vgg19() -> Sequence:
    net = Sequence("VGG19", dreamt="conv5_1")
    net.classes(net.dense("fc6", _vgg(net, (2, 2, 4, 4, 4)), 4096, True), 1000)
    return net


@network
def network_in_network() -> Sequence:
    net = Sequence("NIN_ImageNet", dreamt="cccp6")
    blob = "data"
    for i, (out, kernel, stride, pad) in enumerate(((96, 11, 4, 0), (256, 5, 1, 2), (384, 3, 1, 1)), start=1):
        blob = net.conv(f"conv{i}", blob, out, kernel, stride, pad)
        for k in (2 * i - 1, 2 * i):
            blob = net.conv(f"cccp{k}", blob, out, 1)
        blob = net.pool(f"pool{i}", blob, 3, 2)
    net.conv("cccp8-1024", net.conv("conv4-1024", blob, 1024, 3), 1000, 1)
    net.add("Softmax", "prob", net.everything("pool4", "cccp8-1024"))
    return net


_INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip


@network
def googlenet() -> Sequence:
    net = Sequence("GoogleNet", dreamt="inception_4c/output")
    net.lrn("pool1/norm1", net.pool("pool1/3x3_s2", net.conv("conv1/7x7_s2", "data", 64, 7, 2), 3, 2))
    net.conv("conv2/3x3", net.conv("conv2/3x3_reduce", "pool1/norm1", 64, 1), 192, 3)
    blob = net.pool("pool2/3x3_s2", net.lrn("conv2/norm2", "conv2/3x3"), 3, 2)
    for module, (one, reduce3, three, reduce5, five, pooled) in _INCEPTION.items():
        if module in ("4a", "5a"):
            blob = net.pool(f"pool{int(module[0]) - 1}/3x3_s2", blob, 3, 2)
        own = f"inception_{module}/"
        net.conv(f"{own}1x1", blob, one, 1)
        net.conv(f"{own}3x3", net.conv(f"{own}3x3_reduce", blob, reduce3, 1), three, 3)
        net.conv(f"{own}5x5", net.conv(f"{own}5x5_reduce", blob, reduce5, 1), five, 5)
        net.conv(f"{own}pool_proj", net.pool(f"{own}pool", blob, 3, 1, 1), pooled, 1)
        blob = net.concat(f"{own}output", *(f"{own}{part}" for part in ("1x1", "3x3", "5x5", "pool_proj")))
    net.classes(net.pool("pool5/7x7_s1", blob, 7, 1, way="AVE"), 1000, "loss3/classifier")
    return net


@network
def inception_v2() -> Sequence:
    """BN-Inception: the first modules, whose 5x5 are two 3x3."""
    net = Sequence("BN-Inception", dreamt="inception_3b/output")
    net.pool("pool1", net.conv("conv1/7x7_s2", "data", 64, 7, 2, norm=True), 3, 2)
    net.conv("conv2/3x3", net.conv("conv2/3x3_reduce", "pool1", 64, 1, norm=True), 192, 3, norm=True)
    blob = net.pool("pool2", "conv2/3x3", 3, 2)
    for module, (one, r3, three, rd, double, pooled) in (
        ("3a", (64, 64, 64, 64, 96, 32)),
        ("3b", (64, 64, 96, 64, 96, 64)),
    ):
        own = f"inception_{module}/"
        net.conv(f"{own}1x1", blob, one, 1, norm=True)
        net.conv(f"{own}3x3", net.conv(f"{own}3x3_reduce", blob, r3, 1, norm=True), three, 3, norm=True)
        first = net.conv(
            f"{own}double3x3a", net.conv(f"{own}double3x3_reduce", blob, rd, 1, norm=True), double, 3, norm=True
        )
        net.conv(f"{own}double3x3b", first, double, 3, norm=True)
        net.conv(f"{own}pool_proj", net.pool(f"{own}pool", blob, 3, 1, 1, "AVE"), pooled, 1, norm=True)
        blob = net.concat(f"{own}output", *(f"{own}{part}" for part in ("1x1", "3x3", "double3x3b", "pool_proj")))
    net.classes(net.everything("pool5", blob), 1000, "fc1")
    return net


@network
def inception_v3() -> Sequence:
    """The stem, one module of each of the first two kinds; rectangular kernels."""
    net = Sequence("Inception-v3", (299, 299), dreamt="mixed_6b/output")
    blob = net.conv("conv_1a", "data", 32, 3, 2, 0, norm=True)
    blob = net.conv("conv_2b", net.conv("conv_2a", blob, 32, 3, pad=0, norm=True), 64, 3, norm=True)
    blob = net.conv("conv_3b", net.pool("pool_3a", blob, 3, 2), 80, 1, norm=True)
    blob = net.pool("pool_5a", net.conv("conv_4a", blob, 192, 3, pad=0, norm=True), 3, 2)
    one = net.conv("mixed_5b/1x1", blob, 64, 1, norm=True)
    five = net.conv("mixed_5b/5x5", net.conv("mixed_5b/5x5_reduce", blob, 48, 1, norm=True), 64, 5, norm=True)
    blob = net.concat("mixed_5b/output", one, five)
    reduced = net.conv("mixed_6b/7x7_reduce", net.pool("pool_6a", blob, 3, 2), 128, 1, norm=True)
    wide = "convolution_param { num_output: 128 kernel_h: 1 kernel_w: 7 pad_h: 0 pad_w: 3 }"
    tall = "convolution_param { num_output: 192 kernel_h: 7 kernel_w: 1 pad_h: 3 pad_w: 0 }"
    net.relu(net.add("Convolution", "mixed_6b/1x7", reduced, more=wide))
    net.relu(net.add("Convolution", "mixed_6b/7x1", "mixed_6b/1x7", more=tall))
    net.concat("mixed_6b/output", net.conv("mixed_6b/1x1", "pool_6a", 192, 1, norm=True), "mixed_6b/7x1")
    net.classes(net.everything("pool", "mixed_6b/output"), 1000, "classifier")
    return net


def _bottlenecks(
    net: Sequence, counts: tuple[int, ...], group: int = 1, width: int = 1, gate: str | None = None
) -> str:
    """Write the stages of a ResNet of bottlenecks; `gate` is how squeeze-and-excite multiplies."""
    blob = net.pool("pool1", net.conv("conv1", "data", 64, 7, 2, norm=True), 3, 2)
    for stage, count in enumerate(counts, start=2):
        out = 64 * 2 ** (stage - 2)
        for i in range(count):
            own, stride = f"res{stage}{chr(97 + i)}", 2 if stage > 2 and i == 0 else 1
            by = blob
            if i == 0:
                by = net.conv(f"{own}_branch1", blob, 4 * out, 1, stride, norm=True, relu=False, bias=False)
            last = net.conv(f"{own}_branch2a", blob, width * out, 1, stride, norm=True, bias=False)
            last = net.conv(f"{own}_branch2b", last, width * out, 3, norm=True, bias=False, group=group)
            last = net.conv(f"{own}_branch2c", last, 4 * out, 1, norm=True, relu=False, bias=False)
            if gate:
                squeezed = net.conv(f"{own}_1x1_down", net.everything(f"{own}_squeeze", last), out // 4, 1)
                excited = net.conv(f"{own}_1x1_up", squeezed, 4 * out, 1, relu=False)
                gates = net.add("Sigmoid", f"{own}_prob", excited, excited)
                if gate == "Axpy":
                    blob = net.relu(net.add("Axpy", own, f"{gates} {last} {by}"))
                    continue
                flat = net.add("Flatten", f"{own}_gates", gates)
                last = net.add("Scale", f"{own}_excited", f"{last} {flat}", more="scale_param { axis: 0 }")
            blob = net.relu(net.plus(own, by, last))
    return blob


@network
def resnet50() -> Sequence:
    net = Sequence("ResNet-50", dreamt="res4b")
    net.classes(net.everything("pool5", _bottlenecks(net, (3, 4, 6, 3))), 1000, "fc1000")
    return net


@network
def resnext50() -> Sequence:
    net = Sequence("ResNeXt-50-32x4d", dreamt="res3b")
    net.classes(net.everything("pool5", _bottlenecks(net, (3, 4), 32, 2)), 1000, "fc1000")
    return net


@network
def se_resnet50() -> Sequence:
    """The published file multiplies and adds with a layer of its fork."""
    net = Sequence("SE-ResNet-50", dreamt="res2a_branch2c")
    net.classes(net.everything("pool5", _bottlenecks(net, (3, 4), gate="Axpy")), 1000, "classifier")
    return net


@network
def se_resnet50_scale() -> Sequence:
    """The same with Caffe's own layers."""
    net = Sequence("SE-ResNet-50", dreamt="res2c")
    net.classes(net.everything("pool5", _bottlenecks(net, (3, 4), gate="Scale")), 1000, "classifier")
    return net


@network
def resnet18_preactivated() -> Sequence:
    net = Sequence("ResNet-18", dreamt="stage2")
    blob = net.pool("pool1", net.conv("conv1", "data", 64, 7, 2, norm=True), 3, 2)
    for stage, out in enumerate((64, 128), start=1):
        net.add("BatchNorm", f"bn{stage}", blob)
        net.add("Scale", f"scale{stage}", f"bn{stage}", f"bn{stage}", "scale_param { bias_term: true }")
        net.relu(f"bn{stage}")
        last = net.conv(f"conv{stage}b", net.conv(f"conv{stage}a", f"bn{stage}", out, 3, norm=True), out, 3, relu=False)
        blob = net.plus(f"stage{stage}", net.conv(f"proj{stage}", f"bn{stage}", out, 1, relu=False), last)
    net.classes(net.everything("pool", blob), 1000)
    return net


@network
def densenet121() -> Sequence:
    net = Sequence("DenseNet_121", dreamt="concat_3_4")
    blob = net.pool("pool1", net.conv("conv1", "data", 64, 7, 2, norm=True, bias=False), 3, 2, 1)
    channels = 64
    for block, count in enumerate((6, 12, 4), start=2):
        for i in range(1, count + 1):
            for part, out, kernel in (("x1", 128, 1), ("x2", 32, 3)):
                own, bottom = f"conv{block}_{i}/{part}", blob if part == "x1" else f"conv{block}_{i}/x1"
                net.add("BatchNorm", f"{own}/bn", bottom, more="batch_norm_param { eps: 1e-5 }")
                net.add("Scale", f"{own}/scale", f"{own}/bn", f"{own}/bn", "scale_param { bias_term: true }")
                net.relu(f"{own}/bn")
                net.conv(own, f"{own}/bn", out, kernel, relu=False, bias=False)
            blob = net.concat(f"concat_{block}_{i}", blob, f"conv{block}_{i}/x2")
            channels += 32
        channels //= 2
        blob = net.pool(f"pool{block}", net.conv(f"conv{block}_blk", blob, channels, 1), 2, 2, way="AVE")
    net.classes(net.everything("pool5", blob), 1000)
    return net


def _fires(net: Sequence, blob: str, pools: tuple[int, ...]) -> str:
    for i, (squeeze, expand) in enumerate(
        zip((16, 16, 32, 32, 48, 48, 64, 64), (64, 64, 128, 128, 192, 192, 256, 256), strict=True), 2
    ):
        squeezed = net.conv(f"fire{i}/squeeze1x1", blob, squeeze, 1)
        blob = net.concat(
            f"fire{i}/concat",
            net.conv(f"fire{i}/expand1x1", squeezed, expand, 1),
            net.conv(f"fire{i}/expand3x3", squeezed, expand, 3),
        )
        if i in pools:
            blob = net.pool(f"pool{i}", blob, 3, 2)
    net.add("Softmax", "prob", net.everything("pool10", net.conv("conv10", blob, 1000, 1, pad=1)))
    return blob


@network
def squeezenet_v10() -> Sequence:
    net = Sequence("SqueezeNet v1.0", (227, 227), dreamt="fire6/concat")
    _fires(net, net.pool("pool1", net.conv("conv1", "data", 96, 7, 2, 0), 3, 2), (4, 8))
    return net


@network
def mobilenet_v1() -> Sequence:
    net = Sequence("MobileNet", dreamt="conv4_1/sep")
    blob, channels = net.conv("conv1", "data", 32, 3, 2, norm=True, bias=False), 32
    for name, out, stride in (("2_1", 64, 1), ("2_2", 128, 2), ("3_1", 128, 1), ("3_2", 256, 2), ("4_1", 256, 1)):
        blob = net.conv(f"conv{name}/dw", blob, channels, 3, stride, norm=True, bias=False, group=channels)
        blob, channels = net.conv(f"conv{name}/sep", blob, out, 1, norm=True, bias=False), out
    net.classes(net.everything("pool6", blob), 1000, "fc7")
    return net


@network
def mobilenet_v2() -> Sequence:
    net = Sequence("MobileNet-v2", dreamt="block_3_2")
    blob, channels = net.conv("conv1", "data", 32, 3, 2, norm=True), 32
    for name, out, stride in (("2_1", 16, 1), ("3_1", 24, 2), ("3_2", 24, 1)):
        wide = net.conv(f"conv{name}/expand", blob, 6 * channels, 1, norm=True)
        wide = net.conv(f"conv{name}/dwise", wide, 6 * channels, 3, stride, norm=True, group=6 * channels)
        narrow = net.conv(f"conv{name}/linear", wide, out, 1, norm=True, relu=False)
        blob, channels = net.plus(f"block_{name}", blob, narrow) if name == "3_2" else narrow, out
    net.classes(net.everything("pool6", blob), 1000, "fc7")
    return net


@network
def shufflenet() -> Sequence:
    """ShuffleChannel is of a fork."""
    net = Sequence("shufflenet", dreamt="resx1_conv1")
    blob = net.pool("pool1", net.conv("conv1", "data", 24, 3, 2, norm=True), 3, 2)
    net.conv("resx1_conv1", blob, 60, 1, norm=True)
    net.add("ShuffleChannel", "shuffle1", "resx1_conv1", more="shuffle_channel_param { group: 3 }")
    net.classes(net.everything("pool_ave", net.conv("resx1_conv2", "shuffle1", 60, 3, 2, group=60)), 1000)
    return net


@network
def fcn8s() -> Sequence:
    net = Sequence("FCN-8s", (500, 500), dreamt="pool4")
    _vgg(net, (2, 2, 3, 3, 3), pad=100)
    net.conv("fc7", net.conv("fc6", "pool5", 256, 7, pad=0), 256, 1)
    coarse = net.up("upscore2", net.conv("score_fr", "fc7", 21, 1, relu=False), 21, 4, 2)
    skip = net.crop("score_pool4c", net.conv("score_pool4", "pool4", 21, 1, relu=False), coarse, 5)
    finer = net.up("upscore_pool4", net.plus("fuse_pool4", coarse, skip), 21, 4, 2)
    skip = net.crop("score_pool3c", net.conv("score_pool3", "pool3", 21, 1, relu=False), finer, 9)
    net.crop("score", net.up("upscore8", net.plus("fuse_pool3", finer, skip), 21, 16, 8), "data", 31)
    return net


@network
def hed() -> Sequence:
    net = Sequence("HED", (400, 400), dreamt="conv3_3")
    _vgg(net, (2, 2, 3, 3, 3), pad=35)
    sides = []
    for stage, last in ((1, 2), (2, 2), (3, 3)):
        side = net.conv(f"score-dsn{stage}", f"conv{stage}_{last}", 1, 1, relu=False)
        if stage > 1:
            side = net.up(f"upsample_{2 ** (stage - 1)}", side, 1, 2**stage, 2 ** (stage - 1))
        sides.append(net.crop(f"upscore-dsn{stage}", side, "data", 34))
        net.add("Sigmoid", f"sigmoid-dsn{stage}", sides[-1])
    net.add("Sigmoid", "sigmoid-fuse", net.conv("upscore-fuse", net.concat("concat-upscore", *sides), 1, 1, relu=False))
    return net


@network
def ssd300() -> Sequence:
    """Normalize, Permute, PriorBox and DetectionOutput are of a fork."""
    net = Sequence("VGG_SSD_300x300", (300, 300), dreamt="conv4_3")
    _vgg(net, (2, 2, 3, 3, 3))
    net.conv("fc6", "pool5", 1024, 3, pad=6, dilation=6)
    net.add("Normalize", "conv4_3_norm", "conv4_3", more="norm_param { across_spatial: false channel_shared: false }")
    net.conv("conv4_3_norm_mbox_loc", "conv4_3_norm", 16, 3, relu=False)
    net.add(
        "Permute",
        "conv4_3_norm_mbox_loc_perm",
        "conv4_3_norm_mbox_loc",
        more="permute_param { order: 0 order: 2 order: 3 order: 1 }",
    )
    net.add("Flatten", "conv4_3_norm_mbox_loc_flat", "conv4_3_norm_mbox_loc_perm")
    net.add(
        "PriorBox",
        "conv4_3_norm_mbox_priorbox",
        "conv4_3_norm data",
        more="prior_box_param { min_size: 30.0 flip: true variance: 0.1 }",
    )
    net.add("DetectionOutput", "detection_out", "conv4_3_norm_mbox_loc_flat conv4_3_norm_mbox_priorbox")
    return net


@network
def faster_rcnn() -> Sequence:
    """ROIPooling is of a fork, the proposals are Python."""
    net = Sequence("VGG_ILSVRC_16_layers", dreamt="conv5_3")
    net.lines.append('layer { name: "im_info" type: "Input" top: "im_info" input_param { shape { dim: 1 dim: 3 } } }')
    _vgg(net, (2, 2, 3, 3, 3))
    net.conv("rpn/output", "conv5_3", 512, 3)
    net.conv("rpn_cls_score", "rpn/output", 18, 1, relu=False)
    net.conv("rpn_bbox_pred", "rpn/output", 36, 1, relu=False)
    net.add(
        "Reshape",
        "rpn_cls_score_reshape",
        "rpn_cls_score",
        more="reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } }",
    )
    net.add("Softmax", "rpn_cls_prob", "rpn_cls_score_reshape")
    net.add(
        "Reshape",
        "rpn_cls_prob_reshape",
        "rpn_cls_prob",
        more="reshape_param { shape { dim: 0 dim: 18 dim: -1 dim: 0 } }",
    )
    net.add(
        "Python",
        "proposal",
        "rpn_cls_prob_reshape rpn_bbox_pred im_info",
        "rois",
        'python_param { module: "rpn.proposal_layer" layer: "ProposalLayer" }',
    )
    net.add(
        "ROIPooling",
        "roi_pool5",
        "conv5_3 rois",
        "pool5",
        "roi_pooling_param { pooled_w: 7 pooled_h: 7 spatial_scale: 0.0625 }",
    )
    net.add("Softmax", "cls_prob", net.dense("cls_score", net.dense("fc6", "pool5", 4096, True), 21))
    return net


@network
def deeplab() -> Sequence:
    """Holes in the last stage; Interp is of a fork."""
    net = Sequence("DeepLab-LargeFOV", (321, 321), dreamt="fc6")
    net.conv("fc6", _vgg(net, (2, 2, 3, 3)), 1024, 3, pad=12, dilation=12)
    net.conv("fc8", "fc6", 21, 1, relu=False)
    net.add("Interp", "fc8_interp", "fc8", more="interp_param { zoom_factor: 8 }")
    return net


@network
def segnet() -> Sequence:
    """Pooling remembers where the largest was; Upsample, which uses that, is of a fork."""
    net = Sequence("segnet", (180, 240), dreamt="conv2")
    net.conv("conv1", net.lrn("norm", "data"), 64, 7, norm=True)
    net.add("Pooling", "pool1", "conv1", "pool1 pool1_mask", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    net.conv("conv2", "pool1", 64, 7, norm=True)
    net.add("Upsample", "upsample1", "conv2 pool1_mask", more="upsample_param { scale: 2 }")
    net.add("Softmax", "prob", net.conv("conv_classifier", "upsample1", 11, 1, relu=False))
    return net


@network
def unet() -> Sequence:
    net = Sequence("u-net", (252, 252), dreamt="conv_d1b")
    skip = net.conv("conv_d0b", net.conv("conv_d0a", "data", 64, 3, pad=0), 64, 3, pad=0)
    blob = net.conv("conv_d1b", net.conv("conv_d1a", net.pool("pool_d0", skip, 2, 2), 128, 3, pad=0), 128, 3, pad=0)
    blob = net.relu(net.up("upconv_d1c_u0a", blob, 64, 2, 2))
    skip = net.add("Crop", "crop_d0c", f"{skip} {blob}", more="crop_param { axis: 2 offset: 4 }")
    blob = net.conv(
        "conv_u0d", net.conv("conv_u0c", net.concat("concat_d0c_u0a", blob, skip), 64, 3, pad=0), 2, 1, relu=False
    )
    net.add("Softmax", "prob", blob)
    return net


@network
def openpose() -> Sequence:
    net = Sequence("pose_coco", (368, 368), dreamt="concat_stage2")
    net.conv("conv4_4_CPM", net.conv("conv4_3_CPM", _vgg(net, (2, 2, 2)), 256, 3), 128, 3)
    first = net.conv("conv5_5_CPM_L1", net.conv("conv5_1_CPM_L1", "conv4_4_CPM", 128, 3), 38, 1, relu=False)
    second = net.conv("conv5_5_CPM_L2", net.conv("conv5_1_CPM_L2", "conv4_4_CPM", 128, 3), 19, 1, relu=False)
    net.conv("Mconv1_stage2", net.concat("concat_stage2", first, second, "conv4_4_CPM"), 128, 7)
    return net


@network
def light_cnn() -> Sequence:
    """Max-feature-map: halves of the channels compete; pictures are grey."""
    net = Sequence("LightCNN-9", (128, 128), 1, "mfm2")
    blob = "data"
    for i, (out, kernel) in enumerate(((48, 5), (96, 3), (192, 3)), start=1):
        net.conv(f"conv{i}", blob, 2 * out, kernel, relu=False)
        net.add("Slice", f"slice{i}", f"conv{i}", f"slice{i}_1 slice{i}_2", "slice_param { axis: 1 }")
        net.add("Eltwise", f"mfm{i}", f"slice{i}_1 slice{i}_2", more="eltwise_param { operation: MAX }")
        blob = net.pool(f"pool{i}", f"mfm{i}", 2, 2)
    net.classes(blob, 1000, "fc2")
    return net


@network
def mtcnn_rnet() -> Sequence:
    net = Sequence("RNet", (24, 24), dreamt="conv3")
    blob = "data"
    for i, (out, kernel, pooled) in enumerate(((28, 3, 3), (48, 3, 3), (64, 2, 0)), start=1):
        net.conv(f"conv{i}", blob, out, kernel, pad=0, relu=False)
        blob = net.add("PReLU", f"prelu{i}", f"conv{i}", f"conv{i}")
        blob = net.pool(f"pool{i}", blob, pooled, 2) if pooled else blob
    net.add("PReLU", "prelu4", net.dense("conv4", blob, 128), "conv4")
    net.add("Softmax", "prob1", net.dense("conv5-1", "conv4", 2))
    net.dense("conv5-2", "conv4", 4)
    return net


@network
def sphereface() -> Sequence:
    net = Sequence("SpherefaceNet-20", (112, 96), dreamt="res2_1")
    blob = "data"
    for stage, out in enumerate((64, 128), start=1):
        blob = net.add(
            "PReLU", f"relu{stage}_1", net.conv(f"conv{stage}_1", blob, out, 3, 2, relu=False), f"conv{stage}_1"
        )
        last = net.add(
            "PReLU", f"relu{stage}_2", net.conv(f"conv{stage}_2", blob, out, 3, relu=False), f"conv{stage}_2"
        )
        blob = net.plus(f"res{stage}_1", blob, last)
    net.dense("fc5", blob, 512)
    net.add(
        "MarginInnerProduct",
        "fc6",
        "fc5 label",
        more="margin_inner_product_param { num_output: 10572 type: QUADRUPLE }",
    )
    return net


@network
def colorization() -> Sequence:
    """Zhang and others: from lightness to colours."""
    net = Sequence("colorization", (224, 224), 1, "conv3_1norm")
    blob = "data"
    for stage, out in enumerate((64, 128, 256), start=1):
        net.conv(f"conv{stage}_1", blob, out, 3)
        net.conv(f"conv{stage}_2", f"conv{stage}_1", out, 3, 2)
        blob = net.add("BatchNorm", f"conv{stage}_1norm", f"conv{stage}_2")
    net.relu(net.up("conv8_1", net.conv("conv5_1", blob, 256, 3, pad=2, dilation=2), 256, 4, 2, 1))
    net.add(
        "Scale",
        "class8_313_rh",
        net.conv("conv8_313", "conv8_1", 313, 1, relu=False),
        more="scale_param { bias_term: false filler { value: 2.606 } }",
    )
    net.add("Softmax", "class8_313", "class8_313_rh")
    return net


@network
def age_net() -> Sequence:
    """Levi and Hassner's, for faces."""
    net = Sequence("CaffeNet", (227, 227), dreamt="conv3")
    net.lrn("norm1", net.pool("pool1", net.conv("conv1", "data", 96, 7, 4, 0), 3, 2))
    net.lrn("norm2", net.pool("pool2", net.conv("conv2", "norm1", 256, 5), 3, 2))
    net.classes(net.dense("fc6", net.pool("pool5", net.conv("conv3", "norm2", 384, 3), 3, 2), 512, True), 8)
    return net


@network
def yolo_v1() -> Sequence:
    net = Sequence("YOLONET", (448, 448), dreamt="conv4")
    blob = "data"
    for i, (out, kernel, stride) in enumerate(((64, 7, 2), (192, 3, 1), (128, 1, 1), (256, 3, 1)), start=1):
        net.conv(f"conv{i}", blob, out, kernel, stride, relu=False)
        blob = net.add("ReLU", f"relu{i}", f"conv{i}", f"conv{i}", "relu_param { negative_slope: 0.1 }")
        blob = net.pool(f"pool{i}", blob, 2, 2) if i in (1, 2) else blob
    net.dense("fc25", blob, 1470)
    return net


@network
def autoencoder() -> Sequence:
    net = Sequence("MNISTAutoencoder", (28, 28), 1, "conv2")
    net.add("ELU", "elu1", net.conv("conv1", "data", 16, 3, 2, relu=False), "conv1", "elu_param { alpha: 1 }")
    net.add("ELU", "elu2", net.conv("conv2", "conv1", 32, 3, 2, relu=False), "conv2")
    net.add("Sigmoid", "decoded", net.up("deconv2", net.relu(net.up("deconv1", "conv2", 16, 2, 2)), 1, 2, 2))
    return net
