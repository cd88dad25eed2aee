"""A net of a live module is hooks: a pass is the module's own, and ends where what is wanted has been computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike

from ... import net
from ...errors import DeviceError, ShapeError, UnknownNameError
from ...net import Affine, Array, Seed, as_mean, in_one_thread, names_of, unknown_name
from ...runtime.blob import Outputs
from ...runtime.net import real_dtype
from ..spec import InputSpec

INPUT, OUTPUT = "data", "output"  # blobs beside those of the module tree: the picture, and what the module returns
_TYPES: dict[Any, np.dtype[Any]] = {torch.float32: np.dtype("float32"), torch.float64: np.dtype("float64")}
_SIZE = 224  # of the picture before there is one


class TorchNet(net.Net):
    """A live module, on PyTorch's own autograd: of any layers, on the CPU or a GPU.

    Blobs are the outputs of the modules in its tree, under their names there (`torch.nn.Module.named_modules`); of a
    module that runs several times, the first. Parts of a tuple or a mapping are ``name/0`` or ``name/key``. Functions
    that the module calls have no name. ``"output"`` is what the whole module returns.

    The module runs in inference mode, its weights get no gradient, and it is left as it was. A blob keeps its values
    where a later layer changes them in place.

    Parameters
    ----------
    module : torch.nn.Module
        Takes pictures, (1, 3, h, w), or grey ones, (1, 1, h, w), if its first convolution does.
    spec : InputSpec
    name : str
    dtype, device
        As for `pydream.load_net`; None and "auto" are the module's own, others make a copy of it.
    """

    blobs: Blobs
    channels_last = False

    def __init__(self, module: Any, spec: InputSpec, name: str, dtype: DTypeLike | None, device: str) -> None:
        self.name = name
        self.module = _placed(_unwrapped(module, name), dtype, device)
        self._number = _number(self.module)
        if self._number.dtype not in _TYPES:
            raise ValueError(f"{name} has weights of {self._number.dtype}; dtype='float32' makes a copy that can dream")
        self.dtype = _TYPES[self._number.dtype]
        place = self._number.device
        self.device = f"{'CPU' if place.type == 'cpu' else 'GPU'}:{place.index or 0}"
        self.channel_order = spec.channel_order or "RGB"
        self._scale = self.tensor(np.reshape(spec.scale or 1, (-1, 1, 1)))
        named = {key: each for key, each in self.module.named_modules() if key not in ("", INPUT)}
        self.modules = named | ({} if OUTPUT in named else {OUTPUT: self.module})
        convolutions = [key for key, each in named.items() if isinstance(each, torch.nn.Conv2d)]
        self.default_end = convolutions[-1] if convolutions else None
        grey = bool(convolutions) and named[convolutions[0]].in_channels == 1
        self.mean = as_mean(spec.mean or (0,), (1, 1 if grey else 3, 1, 1), self.channel_order).astype(self.dtype)
        self.blobs = Blobs(self)
        self._image: Any = None  # of the last pass
        self._made: dict[str, Any] = {}
        self._ends: tuple[str, ...] = ()

    @cached_property
    def logits(self) -> tuple[str, int] | None:  # type: ignore[override]  # it may take a pass
        """A fully connected layer that comes last, or a row of numbers that the module returns; None without these."""
        weighted = [key for key, each in self.modules.items() if isinstance(each, torch.nn.Linear | torch.nn.Conv2d)]
        if weighted and isinstance(last := self.modules[weighted[-1]], torch.nn.Linear):
            return weighted[-1], last.out_features
        try:
            made = self._passed(None, self._leaf(None))
        except ShapeError:
            return None
        return next(((name, each.shape[1]) for name, each in made.items() if each.ndim == 2), None)

    @in_one_thread
    def forward(self, end: str | Sequence[str] | None = None, *, tensor: Array | None = None) -> Mapping[str, Array]:
        """Run the module until each `end` has been computed. See `pydream.net.Net.forward`."""
        ends = names_of(end)
        for name in ends or ():
            self.blobs[name]
        self.forget()  # free the last pass before the next needs memory
        self._image = self._leaf(tensor)
        self._made = self._passed(ends, self._image)
        self._ends = ends or tuple(self._made)
        return Outputs(self.blobs, list(self._ends))  # type: ignore[arg-type]

    @in_one_thread
    def backward(self, start: str | Sequence[str] | None = None) -> Array:
        """Run back from each `start` to the picture. See `pydream.net.Net.backward`."""
        if self._image is None:
            raise ShapeError(f"backward from {start!r}: run forward to it, or beyond it, first")
        blobs = [self.blobs[name] for name in names_of(start) or self._ends]
        made, seeds = [self.computed(blob.name) for blob in blobs], [blob.seed() for blob in blobs]
        reached = [i for i, each in enumerate(made) if each.requires_grad]  # it is made of the picture
        found = None
        if reached:
            starts, gradients = [made[i] for i in reached], [seeds[i] for i in reached]
            with torch.inference_mode(False):  # another start may follow, which wants the graph again
                (found,) = torch.autograd.grad(starts, self._image, gradients, retain_graph=True, allow_unused=True)
        image = self.blobs[INPUT]
        image.replace_diff(torch.zeros_like(self._image) if found is None else found)
        return image.diff

    def reshape(self) -> None:
        """Do nothing: only a pass tells whether a size fits."""

    @in_one_thread
    def forget(self) -> None:
        """Forget the last pass, and what blobs hold of it."""
        self._image, self._made, self._ends = None, {}, ()
        self.blobs.forget()

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: no pass."""
        self.forget()
        return vars(self)

    def tensor(self, array: Any) -> Any:
        """Return an array as a tensor, where the module is; it may share the array's memory."""
        with torch.inference_mode(False):  # lest it be of no use for gradients
            return torch.as_tensor(array, dtype=self._number.dtype, device=self._number.device)

    def computed(self, name: str) -> Any:
        """Return what the last pass makes of a blob, or would have made; None before any."""
        if self._image is not None and name not in self._made:
            self._made |= self._passed((name,), self._image)
        return self._made.get(name)

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Return a computed blob's shape."""
        made = self.computed(name)
        return tuple((self._passed((name,), self._leaf(None))[name] if made is None else made).shape)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the picture and of what a pass makes of it; where it fails, of what it has made."""
        found = {INPUT: self.blobs[INPUT].shape}

        def note(key: str, output: Any) -> None:
            for name, part in _parts(key, output):
                found.setdefault(name, tuple(part.shape))

        with _hooks(self.modules, note), suppress(ShapeError):
            self._run(self._leaf(None))
        return found

    def _leaf(self, tensor: Array | None) -> Any:
        """Return a picture that gradients are wanted at: a tensor's, or a copy of the input's."""
        image = self.blobs[INPUT]
        if tensor is None:
            return self.tensor(image.data.copy()).requires_grad_()
        if tensor.shape != image.shape or tensor.dtype != self.dtype:
            raise ShapeError(f"tensor: {tensor.dtype} {tensor.shape}, expected {self.dtype} {image.shape}")
        return self.tensor(tensor).requires_grad_()

    def _passed(self, names: Sequence[str] | None, leaf: Any) -> dict[str, Any]:
        """Run the module on a picture until the blobs of these names are there; None: all that it returns."""
        made: dict[str, Any] = {}

        def note(key: str, output: Any) -> None:
            for name, part in _parts(key, output):
                if name not in made and (names is None or name in names):
                    # A copy, which no later layer changes in place.
                    made[name] = part.to(self._number.dtype).clone(memory_format=torch.contiguous_format)
            if names is not None and len(made) == len(set(names)):
                raise _EnoughError

        with _hooks(
            {key: self.modules[key] for key in {_module(name, self.modules) for name in names or [OUTPUT]}}, note
        ):
            self._run(leaf)
        for name in names or ():
            if name not in made:
                raise UnknownNameError(f"{name!r} is in {self.name}, but a pass does not make it, or as no tensor")
        return made

    def _run(self, leaf: Any) -> None:
        """Run the module on a picture, as far as the hooks want."""
        try:
            with _inference(self.module):
                self.module(leaf * self._scale)
        except _EnoughError:
            pass
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            size = "x".join(map(str, leaf.shape[:1:-1]))
            reason = str(error).strip().partition("\n")[0]
            raise ShapeError(f"{self.name} does not run on a picture of {size}: {reason}") from error


class _EnoughError(BaseException):
    """A pass has made what is wanted. No module's own ``except Exception`` is to catch it."""


@contextmanager
def _hooks(modules: Mapping[str, Any], note: Any) -> Iterator[None]:
    """Call `note` with the name and the output of these modules when they have run."""
    handles = [
        each.register_forward_hook(lambda module, args, output, key=key: note(key, output))
        for key, each in modules.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _inference(module: Any) -> Iterator[None]:
    """Have a module in inference mode, with gradients, and leave it as it was."""
    flags = [(each, each.training) for each in module.modules()]
    try:
        module.eval()
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for each, training in flags:
            each.training = training


def _parts(name: str, output: Any) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of what a module returns, with their names."""
    if isinstance(output, torch.Tensor):
        yield name, output
    elif isinstance(output, Mapping | list | tuple):
        for key, part in output.items() if isinstance(output, Mapping) else enumerate(output):
            yield from _parts(f"{name}/{key}", part)


def _module(name: str, modules: Mapping[str, Any]) -> str:
    """Return the name of the module that a blob is of; nothing where there is none."""
    while name and name not in modules:
        name = name.rpartition("/")[0]
    return name


def _unwrapped(module: Any, name: str) -> Any:
    """Return the module itself, without what compiles it or spreads it over devices."""
    while isinstance(module, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
        module = module.module
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError(
            f"{name} is TorchScript, which cannot be looked into; load_net takes the module it was made from"
        )
    return getattr(module, "_orig_mod", module)  # torch.compile's


def _number(module: Any) -> Any:
    """Return one of a module's numbers, for its type and place."""
    numbers = (each for each in (*module.parameters(), *module.buffers()) if each.is_floating_point())
    return next(numbers, torch.zeros(()))


def _placed(module: Any, dtype: DTypeLike | None, device: str) -> Any:
    """Return a module of a type of numbers on a device: itself, if it is that already, or else a copy."""
    number = _number(module)
    kind = number.dtype if dtype is None else getattr(torch, real_dtype(dtype).name)
    place = number.device if device == "auto" else _device(device)
    if (kind, place) == (number.dtype, number.device):
        return module
    try:
        return deepcopy(module).to(device=place, dtype=kind)
    except TypeError as error:  # of float64 on Apple's GPUs
        raise DeviceError(f"device {device!r} has no {kind}: {error}") from error


def _device(device: str) -> Any:
    kind, _, index = device.partition(":")
    if device == "cpu":
        return torch.device("cpu")
    if kind != "gpu" or not (index or "0").isdecimal():
        raise ValueError(f"device {device!r}, expected auto, cpu, gpu or gpu:N")
    if int(index or 0) < torch.cuda.device_count():
        return torch.device("cuda", int(index or 0))
    if torch.backends.mps.is_available() and not int(index or 0):
        return torch.device("mps", 0)
    raise DeviceError(f"there is no {device!r} for PyTorch, which finds {torch.cuda.device_count()} GPUs")


class Blob(net.Blob):
    """A module's output, which stays a tensor until it is read, and the gradient at it."""

    def __init__(self, owner: TorchNet, name: str) -> None:
        self._net = owner
        self.name = name
        self._size = (1, len(owner.mean), _SIZE, _SIZE)  # an input's
        self._data: Array | None = None  # None: not read since it was computed, or zeros
        self._diff: Any = None  # an array, a tensor, or None: zeros

    def __repr__(self) -> str:
        return f"<Blob {self.name!r}>"

    @property
    def kind(self) -> str:
        """The class of the module that makes it."""
        made = self._net.modules.get(self.name)
        return "Input" if made is None else type(made).__name__

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape for the picture's present size; it may take a pass."""
        return self._size if self.name == INPUT else self._net.shape_of(self.name)

    @property
    def data(self) -> Array:
        """The values: (n, c, h, w), C-contiguous and writable."""
        if self._data is None:
            made = None if self.name == INPUT else self._net.computed(self.name)
            self._data = np.zeros(self.shape, self._net.dtype) if made is None else made.detach().cpu().numpy()
        return self._data

    @property
    def diff(self) -> Array:
        """The gradient: as `data`."""
        if self._diff is None:
            self._diff = np.zeros(self.shape, self._net.dtype)
        elif not isinstance(self._diff, np.ndarray):
            self._diff = self._diff.cpu().numpy()
        return self._diff

    def reshape(self, *dims: int) -> None:
        """Set the picture's shape; its data are zeros then, unless the shape is the same."""
        if self.name != INPUT:
            raise ShapeError(f"blob {self.name!r} is computed; reshape the input, {INPUT!r}")
        if len(dims) != 4 or dims[1] != self._size[1] or min(dims) < 1:
            raise ShapeError(f"input {INPUT!r} is {self._size}; {dims} has other axes or channels")
        if dims != self._size:
            self._net.forget()
            self._size, self._data, self._diff = dims, None, None

    def drive(self, seed: Seed) -> None:
        """Set `diff` to what a seed makes of `data`, on the device where that can be."""
        made = self._net.computed(self.name) if self._data is None and self.name != INPUT else None
        if made is not None and seed is None:
            self._diff = made.detach()
        elif made is not None and isinstance(seed, Affine):
            gain, bias = map(self._net.tensor, seed)
            self._diff = (gain * made.detach() + bias).expand_as(made).contiguous()
        else:
            super().drive(seed)

    def clear_diff(self) -> None:
        """``diff[:] = 0``."""
        self._diff = None

    # What follows is for the net alone.

    def forget(self) -> None:
        """Forget what the last pass computed."""
        if self.name != INPUT:
            self._data = None

    def replace_diff(self, tensor: Any) -> None:
        """Replace the gradient by a tensor."""
        self._diff = tensor.contiguous()

    def seed(self) -> Any:
        """Return the gradient as a tensor, for a backward pass to start with."""
        return self._net.tensor(self.diff if self._diff is None else self._diff)


class Blobs(net.Blobs[Blob]):
    """Blobs by name: the picture, the module tree's, what the module returns; parts of outputs where asked for."""

    _net: TorchNet

    def __init__(self, owner: TorchNet) -> None:
        super().__init__(owner)
        self._made = {name: Blob(owner, name) for name in (INPUT, *owner.modules)}

    def forget(self) -> None:
        """Forget what the last pass computed."""
        for blob in self._made.values():
            blob.forget()

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __getitem__(self, name: str) -> Blob:
        if name not in self._made:
            if not _module(name, self._net.modules):
                raise unknown_name("blob", name, self)
            self._made[name] = Blob(self._net, name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter((INPUT, *self._net.modules))

    def __len__(self) -> int:
        return 1 + len(self._net.modules)
