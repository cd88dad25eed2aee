"""Make the small networks of tests/data/onnx: PyTorch's exports of three modules, and what PyTorch computes of them.

    python tests/tools/make_onnx.py

Needs torch and onnxscript, which the tests do not. Each ``NAME.npz`` has the picture, what every module returned under
its name, and for two ends the gradient of half the sum of squares at the picture, ``d/NAME``; all in float64.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

FOLDER = Path(__file__).parents[1] / "data" / "onnx"


class Squeeze(nn.Module):
    """Channels weighed by what is in all of each: of MobileNet v3 and EfficientNet."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.down, self.up = nn.Conv2d(channels, 2, 1), nn.Conv2d(2, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(self.up(torch.relu(self.down(self.pool(x)))))


class Shuffle(nn.Module):
    """Half of the channels through a convolution, then dealt out: of ShuffleNet."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False), nn.BatchNorm2d(3), nn.SiLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, 1)
        x = torch.cat([first, self.branch(second)], 1)
        n, c, h, w = x.shape
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


class Residual(nn.Module):
    """A bottleneck, and the same rectifier twice: of ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(6, 4, 1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + x)


class Normalised(nn.Module):
    """A block of ConvNeXt: channels last for a normalisation and two matrices."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = nn.Conv2d(6, 6, 5, padding=2, groups=6)
        self.norm = nn.LayerNorm(6, eps=1e-6)
        self.one, self.act, self.two = nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6)
        self.gamma = nn.Parameter(torch.full((6, 1, 1), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.two(self.act(self.one(self.norm(self.depth(x).permute(0, 2, 3, 1)))))
        return x + self.gamma * y.permute(0, 3, 1, 2)


class Head(nn.Module):
    """Means of rows and columns, and a class for each."""

    def __init__(self, channels: int, drop: float = 0.5) -> None:
        super().__init__()
        self.drop, self.fc = nn.Dropout(drop), nn.Linear(channels, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.fc(self.drop(x.mean((2, 3)))), 1)


def classic() -> nn.Module:
    """Return a network of what there was until 2015."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 6, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
        Residual(),
        nn.AvgPool2d(3, 2, padding=1, count_include_pad=False, ceil_mode=True),
        nn.Conv2d(6, 6, (1, 3), dilation=(1, 2), padding=(0, 2), groups=2),
        nn.LeakyReLU(0.2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 5),
        nn.LogSoftmax(1),
    )


def mobile() -> nn.Module:
    """Return a network of what phones brought."""
    return nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(3, 6, 3, stride=2, bias=False),
        nn.BatchNorm2d(6),
        nn.Hardswish(),
        Squeeze(6),
        Shuffle(),
        nn.GroupNorm(3, 6),
        nn.ReLU6(),
        nn.Mish(),
        Head(6),
    )


def modern() -> nn.Module:
    """Return a network of what followed transformers."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 4, stride=4),
        Normalised(),
        nn.PReLU(6, init=0.1),
        nn.InstanceNorm2d(6, affine=True),
        nn.ELU(0.7),
        nn.ReflectionPad2d(1),
        nn.GELU("tanh"),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.LayerNorm(6),
        nn.Linear(6, 5, bias=False),
    )


def main() -> None:
    """Write the files."""
    warnings.simplefilter("ignore")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make, middle in ((classic, "2"), (mobile, "4"), (modern, "1")):
        torch.manual_seed(0)
        module = make()
        for each in module.modules():
            if isinstance(each, nn.BatchNorm2d):
                nn.init.normal_(each.running_mean, std=0.1)
                nn.init.uniform_(each.running_var, 0.5, 1.5)
        for parameter in module.parameters():
            if parameter.ndim < 2:
                nn.init.uniform_(parameter, 0.2, 1.0)
        module = module.double().eval()
        picture = torch.randn(1, 3, 13, 18, dtype=torch.float64)
        name = make.__name__
        newer = {"dynamo": True, "external_data": False, "verbose": False}
        older = {"dynamo": False, "opset_version": 13, "input_names": ["image"]}
        older |= {"dynamic_axes": {"image": {0: "n", 2: "h", 3: "w"}}}
        for file, more in {"": newer, "_13": older}.items():
            torch.onnx.export(module, (picture,), str(FOLDER / f"{name}{file}.onnx"), **more)
            strip(FOLDER / f"{name}{file}.onnx")
        np.savez_compressed(FOLDER / f"{name}.npz", picture=picture.numpy(), **results(module, picture, middle))
        print(name, [path.stat().st_size for path in sorted(FOLDER.glob(f"{name}*"))])


def strip(file: Path) -> None:
    """Leave out of a file what only tells where its nodes come from in Python, and the shapes of values."""
    model = onnx.load(file)
    for node in model.graph.node:
        kept = [each for each in node.metadata_props if each.key.endswith("name_scopes")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
        node.ClearField("doc_string")
    del model.graph.value_info[:]
    for each in model.graph.initializer:
        del each.metadata_props[:]
    onnx.save(model, file)


def results(module: nn.Module, picture: torch.Tensor, middle: str) -> dict[str, np.ndarray]:
    """Return what each module returns the last time, and two gradients."""
    torch.nn.functional.hardsigmoid = lambda x, inplace=False: torch.relu(x + 3).clamp_max(6) / 6  # exact both ways
    found: dict[str, torch.Tensor] = {}
    for name, each in module.named_modules():
        each.register_forward_hook(lambda module, inputs, output, name=name: found.update({name: output}))
    leaf = picture.requires_grad_()
    module(leaf)
    found.pop("")
    made = {name: each.detach().numpy() for name, each in found.items()}
    for end in (middle, list(found)[-1]):
        (gradient,) = torch.autograd.grad((found[end] ** 2).sum() / 2, leaf, retain_graph=True)
        made[f"d/{end}"] = gradient.numpy()
    return made


if __name__ == "__main__":
    main()
