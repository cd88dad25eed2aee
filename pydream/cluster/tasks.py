"""A task is a dream put so that any process on any machine can make it, and get the same.

It has all that decides the pixels, and the hashes and versions of what it takes from the machine that it comes to: a
machine where these are different refuses. What brings tasks to processes is not known here.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np

from .. import __version__
from ..dream.objectives import Inversion, Objective, objective_guide
from ..dream.retouch import Mask
from ..errors import ClusterError, PydreamError, ShapeError
from ..net import Array, Net, Part, Wrapper
from ..picture import DTYPES, Depth, Picture, Samples, to_samples
from ..record.provenance import NetFacts, net_facts, versions
from ..record.recipe import Recipe, choose_tile, follow
from ..record.scoring import guide_weights
from ..runtime.engines import runtime_libraries
from ..tiles.net import Tile
from ..zoo.load import find_files, load_net

K = TypeVar("K")
T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S")

# A net is one picture's at a time, and a process may be given several tasks at once.
_lock = threading.Lock()


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """What came of a task: its result, or the error that it ended with."""

    value: R | None = None
    error: Exception | None = None

    def get(self) -> R:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # None where that is the result

    def then(self, function: Callable[[R], S]) -> Outcome[S]:
        """Return what a function makes of the result, or the error."""
        return Outcome(error=self.error) if self.error is not None else Outcome(function(self.get()))


def run_here(function: Callable[[T], R], tasks: Iterable[tuple[K, T]]) -> Iterator[tuple[K, Outcome[R]]]:
    """Do task after task in this process, and yield each one's outcome: as `Cluster.run` does."""
    for key, task in tasks:
        try:
            outcome = Outcome(function(task))
        except Exception as error:
            outcome = Outcome(error=error)
        yield key, outcome


class NetOrder(NetFacts, frozen=True, kw_only=True):
    """The facts of a network where a task was made, and where to find it.

    Attributes
    ----------
    model : str
        A name of the registry, or an absolute path, which has to lead to the same file everywhere.
    path : str or None
        The same of the weights.
    mean, scale, channel_order, input
        As for `pydream.load_net`; what is unspecified there is the registry's there.
    pydream : str
        The version there.
    versions : tuple of (str, str)
        As `pydream.record.provenance.versions` returns them there.
    """

    model: str
    path: str | None
    pydream: str = __version__
    versions: tuple[tuple[str, str], ...] = msgspec.field(default_factory=lambda: tuple(versions().items()))

    @classmethod
    def of(cls, model: str, weights: Path | None, facts: NetFacts) -> NetOrder:
        """Order the network that was loaded here by these names."""
        entry = find_files(model, weights).entry
        spec = facts.input_spec if entry is None else facts.input_spec.or_else(entry.spec)
        return cls(
            model=os.path.abspath(model) if entry is None else model,
            path=None if weights is None else os.path.abspath(weights),
            versions=tuple(facts.library_versions.items()),
            **{**msgspec.structs.asdict(facts), **spec.keywords},
        )

    def load(self) -> Net:
        """Return the network, loaded once a process.

        Raises
        ------
        ClusterError
            In one line, where this process would compute something else: it names the process, and what differs.
        """
        try:
            return _loaded(self)
        except (PydreamError, OSError) as error:
            here = f"{socket.gethostname()} (process {os.getpid()})"
            raise ClusterError(f"the worker on {here} cannot have {self.name} as it is here: {error}") from error


@lru_cache(maxsize=1)
def _loaded(order: NetOrder) -> Net:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # a worker's messages are not read
    here = versions(*runtime_libraries(order.runtime))
    _check({"pydream": __version__, **here}, {"pydream": order.pydream, **dict(order.versions)})
    files = find_files(order.model, order.path)
    dtype, runtime = np.dtype(order.dtype), order.runtime
    found = net_facts(order.name, files, dtype, runtime, order.device, order.input_spec)
    _check(msgspec.structs.asdict(found), {name: getattr(order, name) for name in found.__struct_fields__})
    device = "cpu" if order.device.startswith("CPU") else order.device.lower()
    return load_net(order.model, order.path, dtype=dtype, device=device, runtime=runtime, **order.input_spec.keywords)


def _check(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise `ClusterError` with the first of the facts that is not as wanted."""
    for name, value in wanted.items():
        if found.get(name) != value:
            raise ClusterError(f"its {name} is {found.get(name)}, not {value}")


@dataclass(frozen=True, kw_only=True)
class DreamTask:
    """A dream of one picture.

    Attributes
    ----------
    network : NetOrder
    recipe : Recipe
        Its `tile` None: the process decides.
    picture : (H, W, 3) uint8 array or None
        None where the recipe says noise.
    guide : (str, (H, W, 3) uint8 array), optional
        Its name and pixels.
    mask : (H, W, 3) uint8 array, optional
    memory : int, optional
        Bytes that the process may take; None: half of what is free, and that.
    """

    network: NetOrder
    recipe: Recipe
    picture: Picture | None
    guide: tuple[str, Picture] | None = None
    mask: Picture | None = None
    memory: int | None = None


class DreamResult(NamedTuple):
    """What comes of it: (H, W, 3) pixels in the recipe's depth, by `to_samples`, and the side of the tiles."""

    pixels: Samples
    tile: int | None


def dream(task: DreamTask) -> DreamResult:
    """Dream; raises what `pydream.record.recipe.follow` and `NetOrder.load` raise."""
    with _lock:
        net, recipe = task.network.load(), task.recipe
        retouches = recipe.retouches(None if task.mask is None else Mask.of(task.mask))
        if recipe.tile is None:
            height, width = recipe.noise or (0, 0) if task.picture is None else task.picture.shape[:2]
            side = choose_tile(recipe, net, height, width, None, task.memory, retouches)
            recipe = msgspec.structs.replace(recipe, tile=side)
        objective = None if task.guide is None else guided(net, task.guide[1], recipe, task.guide[0])
        made = follow(recipe, net, task.picture, objective, retouches=retouches)
        return DreamResult(to_samples(made, recipe.depth), recipe.tile)


def checked(result: DreamResult, size: tuple[int, int], depth: Depth | None = None) -> DreamResult:
    """Return what another process made; `ClusterError` where it is not a picture of that (height, width) and depth."""
    _check_array(result.pixels, np.dtype(DTYPES[depth]), (*size, 3))
    return result


def _check_array(array: Array, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    if (array.dtype, array.shape) != (dtype, shape):
        raise ClusterError(f"a worker returned {array.dtype} of shape {array.shape}, not {dtype} of shape {shape}")


def tile_gradient(task: tuple[NetOrder, Tile]) -> Array:
    """Compute the gradient at a tile's crop, laid out as a tensor of the net."""
    order, tile = task
    with _lock:
        return tile.gradient(order.load())


class RemoteTilesNet(Wrapper):
    """A net whose tiles other processes run.

    Parameters
    ----------
    net : Net
    order : NetOrder
        The same network.
    in_order : callable
        Called with `tile_gradient` and its tasks, yields their outcomes in order: `Cluster.in_order`.
    """

    def __init__(self, net: Net, order: NetOrder, in_order: Callable[..., Iterator[Outcome[Array]]]) -> None:
        super().__init__(net)
        self._order, self._in_order = order, in_order

    def gradients_of(self, parts: Iterable[Part]) -> Iterator[Array]:
        """Yield the gradient of each tile, in order; lost workers end the dream as Ctrl-C does, which keeps it."""
        try:
            for outcome in self._in_order(tile_gradient, ((self._order, part) for part in parts)):
                yield outcome.get()
        except ClusterError as error:
            raise KeyboardInterrupt from error


def guided(net: Net, guide: Picture, recipe: Recipe, name: str) -> Objective:
    """Make the objective of a guide, for a recipe's layers; an error names it."""
    weights = {recipe.end: 1.0} if recipe.score is None else guide_weights(recipe.score)
    if recipe.invert:
        return Inversion(guide, weights=tuple(weights.values()))
    try:
        return objective_guide(net, guide, tuple(weights), weights=tuple(weights.values()))
    except ShapeError as error:
        raise ShapeError(f"the guide '{name}' does not fit: {error}") from error
