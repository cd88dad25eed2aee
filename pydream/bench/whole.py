"""Dreams in a process of their own: how much time and memory they take, and which parts take it.

``python -m pydream.bench.whole REQUEST`` makes the dreams and prints what it measured; both are JSON. `whole_dream`
starts that and reads its output.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np

from .. import imageops
from ..dream.notebook import deepdream
from ..dream.objectives import objective_L2
from ..dream.octaves import octave_sizes
from ..dream.params import find_end
from ..errors import BenchError, PydreamError
from ..host.resources import peak_memory
from ..net import Array
from ..zoo.load import load_net
from .clock import OPERATIONS, TimedNet, clocked
from .floor import tensorflow_threads
from .inputs import picture


class Request(msgspec.Struct, frozen=True):
    """Which dreams to make."""

    model: str
    weights: str | None
    layer: str | None
    width: int
    height: int
    octave_n: int = 4
    iter_n: int = 10
    octave_scale: float = 1.4
    dtype: str = "float32"
    dreams: int = 2


class Breakdown(msgspec.Struct, frozen=True):
    """How the seconds of one dream are divided; the parts add up to `total`.

    Attributes
    ----------
    network : float
        Passes forward and back, without `building`. They are one part: a network may run forward in its backward pass.
    image : float
        `to_tensor` and `ascend_tensor`: the image side of the steps.
    zoom : float
        Octaves down and details up.
    building : float
        How much longer the first step of each octave took than the median of the others: tracing functions, memory.
    rest : float
        Copies, sums, checks, and the Python code between the parts.
    step : list of float
        The median step of each octave, the smallest first.
    """

    total: float
    network: float
    image: float
    zoom: float
    building: float
    rest: float
    step: list[float]

    @property
    def steps(self) -> float:
        """Seconds of all steps."""
        return self.network + self.image

    @property
    def not_steps(self) -> float:
        """The ratio of everything else to the steps."""
        return (self.total - self.steps) / self.steps

    @property
    def image_share(self) -> float:
        """The share of the image operations in the total, zooms included."""
        return (self.image + self.zoom) / self.total


class DreamCost(msgspec.Struct, frozen=True):
    """The time and memory that dreams took.

    Attributes
    ----------
    importing, loading : float
        Seconds to import TensorFlow, and then to load the network.
    imported, before, peak : int
        Most resident memory in bytes: when TensorFlow was imported, before the first dream, and when that was done.
    dreams : list of Breakdown
        One after the other in the same process.
    """

    importing: float
    loading: float
    imported: int
    before: int
    peak: int
    dreams: list[Breakdown]

    @property
    def own_memory(self) -> int:
        """Bytes that the network and a dream take beyond TensorFlow's import."""
        return self.peak - self.imported


def whole_dream(request: Request) -> DreamCost:
    """Make dreams in a fresh process, and measure them.

    Raises
    ------
    BenchError
        Where the process failed, with the reason.
    """
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")]))
    run = subprocess.run(
        [sys.executable, "-P", "-m", __name__, json.dumps(msgspec.to_builtins(request))],
        env=os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if run.returncode:
        raise BenchError(f"a dream in a process of its own failed: {reason(run.returncode, run.stderr)}")
    return msgspec.json.decode(run.stdout, type=DreamCost)


def reason(code: int, stderr: str) -> str:
    """Return why a process failed, from its exit code and what it wrote."""
    if code < 0:
        return f"ended by signal {-code}" + (", most likely out of memory" if code == -9 else "")
    return next(reversed(stderr.split("\n\n")[-1].strip().splitlines()), f"exit code {code}")


def dream_here(request: Request) -> DreamCost:
    """Make the dreams in this process."""
    began = perf_counter()
    tensorflow_threads()  # imports it
    imported, after_import = perf_counter(), peak_memory()
    net = load_net(request.model, request.weights, dtype=request.dtype)
    gc.freeze()  # as the commands do
    loaded = perf_counter()
    end = find_end(net, request.layer)
    base = picture(request.height, request.width)
    sizes = octave_sizes(request.height, request.width, request.octave_n, request.octave_scale)
    before, peak, measured = peak_memory(), 0, []
    for _ in range(request.dreams):
        timed = TimedNet(net)
        with clocked(imageops.backend("native"), OPERATIONS) as taken:
            start = perf_counter()
            deepdream(
                timed,
                base,
                request.iter_n,
                request.octave_n,
                request.octave_scale,
                end,
                rng=np.random.RandomState(0),
                tile=0,  # a clock's readings are one a step
                objective=objective_L2,
            )
            total = perf_counter() - start
        peak = peak or peak_memory()
        measured.append(breakdown(total, timed, taken, len(sizes), request.iter_n))
    return DreamCost(imported - began, loaded - imported, after_import, before, peak, measured)


def breakdown(total: float, net: TimedNet, taken: dict[str, list[float]], octave_n: int, iter_n: int) -> Breakdown:
    """Compute the parts of a dream's time from its clocks: one reading per step, the smallest octave first."""

    def by_octave(readings: list[float]) -> Array:
        return np.reshape(readings, (octave_n, iter_n))

    network = by_octave(net.forwards) + by_octave(net.backwards)
    building = float((network[:, 0] - np.median(network[:, 1:], axis=1)).sum()) if iter_n > 1 else 0.0
    image = by_octave(taken["to_tensor"]) + by_octave(taken["ascend_tensor"])
    parts = {
        "network": float(network.sum()) - building,
        "image": float(image.sum()),
        "zoom": sum(taken["zoom"]),
        "building": building,
    }
    step = np.median(network + image, axis=1).tolist()
    return Breakdown(total=total, **parts, rest=total - sum(parts.values()), step=step)


if __name__ == "__main__":
    try:
        print(msgspec.json.encode(dream_here(msgspec.convert(json.loads(sys.argv[1]), Request))).decode())
    except PydreamError as wrong:
        sys.exit(str(wrong))
    except KeyboardInterrupt:
        sys.exit(130)
