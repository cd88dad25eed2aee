"""`pydream selftest`: whether an installation gives Caffe's bytes, in seconds."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ...errors import MissingExtraError, ResultsDifferError
from ..help import Command
from ..job import quiet_tensorflow
from ..options import option
from ..streams import echo


@click.command("selftest", cls=Command)
@option("--all every", "Dreams on NumPy and TensorFlow too, of which each takes some seconds.", is_flag=True)
def command(every: bool) -> None:
    """Dream a small picture in float64, and compare it with what Caffe made of it.

    The picture, Caffe's dream of it and the network come with pydream; nothing is read from elsewhere, and nothing is
    written. The image operations are compared with NumPy and SciPy too. One line says that every byte is the same;
    otherwise the exit code is 1, and the line says which bytes differ.

    \b
    pydream selftest
    pydream selftest --all
    """  # noqa: D301 (click's mark for a block to leave as it is)
    quiet_tensorflow()
    checked, faults = [], list(_of_operations())
    for runtime in ("native", "numpy", "tensorflow") if every else ("native",):
        try:
            faults += _of_dream(runtime)
        except MissingExtraError as error:  # pydream works without TensorFlow
            echo(f"left out: {error}", err=True)
        else:
            checked.append(runtime)
    if faults:
        raise ResultsDifferError(f"this installation does not give Caffe's bytes: {'; '.join(faults)}")
    echo(f"this installation gives Caffe's bytes ({', '.join(checked)})")


def _of_operations() -> Iterator[str]:
    """Describe how the image operations in C++ differ from NumPy's, if they do."""
    from ...imageops import backend
    from ...testing import ConformanceError, check_imageops

    try:
        check_imageops(backend("native"), exact=True)
    except ConformanceError as error:
        failures = error.report.failures
        first = f"{failures[0].name}: {failures[0].fault}"
        yield f"{len(failures)} of {len(error.report.steps)} image operations differ from NumPy's, the first: {first}"


def _of_dream(runtime: str) -> Iterator[str]:
    """Describe how a runtime's dream differs from Caffe's, if it does; NumPy's has its image operations too."""
    import numpy as np

    from ...dream.notebook import deepdream
    from ...picture import to_pixels
    from ...testing import golden
    from ...zoo.load import load_net
    from ...zoo.registry import DEFAULT_NETWORK

    known = golden.golden_dream()
    net = load_net(DEFAULT_NETWORK, dtype="float64", runtime=runtime)
    backend = "numpy" if runtime == "numpy" else "native"
    dream = deepdream(
        net, known["image"], end=golden.END, rng=np.random.RandomState(0), backend=backend, **golden.OCTAVES
    )
    found, expected = to_pixels(dream), known["out_u8"]
    differing = np.argwhere(found != expected)
    if len(differing):
        row, column, channel = place = tuple(differing[0])
        where = f"row {row}, column {column}, {('red', 'green', 'blue')[channel]}"
        values = f"{found[place]}, and Caffe's is {expected[place]}"
        yield f"{runtime}: {len(differing)} of {found.size} bytes differ, the first at {where}: {values}"
