"""Export PyTorch's networks to ONNX, and hold what they compute here to what PyTorch computes, in float64.

    python tests/tools/onnx_networks.py                      # all of them, both exporters: some minutes
    python tests/tools/onnx_networks.py resnet18 timm:resnet10t --opset 11 --runtime tensorflow

Needs torch, torchvision, timm and onnxscript, which the tests do not. Weights and the statistics of normalisations are
random, nothing is fetched. For each network: every blob that has the name of a module is compared with what that module
returned, and from two of them the gradient of half the sum of squares at the picture.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch

torch.library.register_fake = lambda *_, **__: lambda function: function  # torchvision built for another torch

import timm  # noqa: E402
import torchvision  # noqa: E402

import pydream  # noqa: E402

TORCHVISION = """
    alexnet vgg11 vgg16_bn googlenet inception_v3 resnet18 resnet50 resnext50_32x4d wide_resnet50_2 densenet121
    squeezenet1_1
    mobilenet_v2 mobilenet_v3_small mobilenet_v3_large mnasnet0_5 shufflenet_v2_x0_5 efficientnet_b0 efficientnet_v2_s
    regnet_y_400mf regnet_x_400mf convnext_tiny
"""
TIMM = """
    vgg11 inception_v3 resnet10t resnet26d seresnet18 densenet121 mobilenetv2_050 mobilenetv3_small_050 efficientnet_b0
    tf_efficientnet_b0 regnety_002 regnetx_002 convnext_atto convnextv2_atto
"""
SIZES = {"inception_v3": 139, "timm:inception_v3": 139, "alexnet": 224, "vgg11": 224, "vgg16_bn": 224, "googlenet": 96}
_HARD_SIGMOID = torch.nn.functional.hardsigmoid
BOUND = 1e-9  # relative to the largest value


def main() -> None:
    """Print a line for each network and exporter; exit with 1 where one is off."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = [*TORCHVISION.split(), *(f"timm:{name}" for name in TIMM.split())]
    parser.add_argument("networks", nargs="*", default=default)
    parser.add_argument("--opset", type=int, help="version of the ops; by default the exporter's own")
    parser.add_argument("--exporter", choices=["torchscript", "dynamo"], action="append")
    parser.add_argument("--runtime", choices=["numpy", "tensorflow"], default="numpy")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    worst = 0.0
    print("network                        exporter    layers out names values     gradients  seconds")
    for name in options.networks:
        for exporter in options.exporter or ["torchscript", "dynamo"]:
            started = time.monotonic()
            try:
                found = compare(name, exporter, options.opset, options.runtime)
            except Exception as error:
                found = f"failed: {type(error).__name__}: {' '.join(str(error).split())[:160]}"
                worst = np.inf
            if isinstance(found, tuple):
                worst = max(worst, *found[3:])
                found = "{:6} {:3} {:5} {:10.1e} {:10.1e}".format(*found)
            print(f"{name:<30} {exporter:<11} {found} {time.monotonic() - started:8.1f}", flush=True)
    raise SystemExit(worst > BOUND)


def compare(name: str, exporter: str, opset: int | None, runtime: str) -> tuple[int, int, int, float, float]:
    """Return the layers, those left out, the names that are modules', and the largest relative errors."""
    torch.nn.functional.hardsigmoid = _HARD_SIGMOID
    module = made(name)
    size = SIZES.get(name, 64)
    picture = torch.randn(1, 3, size, size, dtype=torch.float64)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "net.onnx"
        more = {} if opset is None else {"opset_version": opset}
        if exporter == "dynamo":
            more |= {"external_data": False, "verbose": False}
        torch.onnx.export(module, (picture,), str(file), dynamo=exporter == "dynamo", **more)
        net = pydream.load_net(file, dtype="float64", runtime=runtime, mean=(0, 0, 0), scale=1)
    # PyTorch's own gradient has 1/6 in float32, whatever the network's type is.
    torch.nn.functional.hardsigmoid = lambda x, inplace=False: torch.relu(x + 3).clamp_max(6) / 6
    returned = results(module, picture)
    names = [blob for blob in net.blobs if returned.get(blob)]
    net.blobs["data"].reshape(*picture.shape)
    net.blobs["data"].data[...] = picture.numpy()
    net.forward(names)
    off = max(min(difference(net.blobs[blob].data, each) for each in returned[blob]) for blob in names)
    deep = [blob for blob in names if net.blobs[blob].data.ndim == 4]
    ends = [deep[len(deep) // 2], names[-1]]
    gradients = [gradient_off(net, module, picture, end, returned) for end in ends]
    return len(net.layer_names), len(net.graph.left_out), len(names), off, max(gradients)


def made(name: str) -> torch.nn.Module:
    """Return a network with random weights and statistics."""
    torch.manual_seed(0)
    if name.startswith("timm:"):
        module = timm.create_model(name.removeprefix("timm:"), pretrained=False)
    else:
        heads = {"init_weights": False, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
        module = getattr(torchvision.models, name)(weights=None, **heads)
    for each in module.modules():
        if isinstance(each, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(each.running_mean, std=0.1)
            torch.nn.init.uniform_(each.running_var, 0.5, 1.5)
    for parameter in module.parameters():
        if parameter.ndim < 2:
            torch.nn.init.uniform_(parameter, 0.5, 1.0)
    return module.double().eval()


def results(module: torch.nn.Module, picture: torch.Tensor) -> dict[str, list[np.ndarray]]:
    """Return what each module returned, by its name, and that of a normalisation for what is before it too."""
    found: dict[str, list[np.ndarray]] = {}

    def noted(name: str):
        def note(module, inputs, output):
            if isinstance(output, torch.Tensor):
                found.setdefault(name, []).append(output.detach().numpy().copy())

        return note

    handles = [each.register_forward_hook(noted(name)) for name, each in module.named_modules() if name]
    with torch.no_grad():
        module(picture)
    for handle in handles:
        handle.remove()
    before = ""
    for name, each in module.named_modules():  # exporters merge a normalisation into the convolution before it
        if isinstance(each, torch.nn.Conv2d):
            before = name
        elif isinstance(each, torch.nn.BatchNorm2d) and name in found and before in found:
            # In timm's the rectifier is a module of the normalisation: no module returns what is before it.
            found[before] = [] if any(each.children()) else [*found[before], *found[name]]
    return found


def gradient_off(net, module: torch.nn.Module, picture: torch.Tensor, end: str, returned) -> float:
    """Return how far the gradient of half the sum of squares of a blob is off, at the picture."""
    net.forward(end)
    net.blobs[end].diff[...] = net.blobs[end].data
    net.backward(end)
    values = net.blobs[end].data
    kept: list[torch.Tensor] = []

    def note(module, inputs, output):
        if isinstance(output, torch.Tensor) and difference(values, output.detach().numpy()) < BOUND:
            kept.append((output.clone() ** 2).sum() / 2)

    handles = [each.register_forward_hook(note) for each in module.modules()]
    leaf = picture.clone().requires_grad_()
    module(leaf)
    for handle in handles:
        handle.remove()
    (wanted,) = torch.autograd.grad(kept[0], leaf)
    return difference(net.blobs["data"].diff, wanted.numpy())


def difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest difference relative to the largest value; infinity for other shapes."""
    if found.size != wanted.size:
        return np.inf
    if found.shape != wanted.shape and wanted.ndim == 4:  # channels are last there, for a normalisation
        wanted = np.ascontiguousarray(wanted.transpose(0, 3, 1, 2))
    return float(np.abs(found.reshape(-1) - wanted.reshape(-1)).max() / np.abs(wanted).max())


if __name__ == "__main__":
    main()
