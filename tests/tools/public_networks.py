"""List the layers of public networks, and dream two steps with each, with random weights.

    python tests/tools/public_networks.py
    python tests/tools/public_networks.py fcn8s ssd300

The layer sequences are in `tests/support/public.py`. A network that cannot be listed or dreamt with is an exit code
of 1.
"""

import sys
import tempfile
import time
import warnings
from math import prod
from pathlib import Path

import click
import numpy as np
from click.testing import CliRunner
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pydream.cli import main  # noqa: E402
from pydream.errors import LeftOutWarning, PydreamError  # noqa: E402
from pydream.formats.caffe import caffe_pb2  # noqa: E402
from pydream.zoo import read_graph  # noqa: E402
from tests.support.public import NETWORKS, Sequence  # noqa: E402

LARGEST = 2 * 10**7  # numbers of a layer; the fully connected ones that have more are left out, as in many files

LONGEST = 192  # side of a picture


def write_files(sequence: Sequence, folder: Path) -> Path:
    """Write a prototxt and, beside it, random weights as a published file has them; return the former."""
    prototxt = folder / "deploy.prototxt"
    prototxt.write_text(sequence.text, encoding="utf-8")
    rng = np.random.default_rng(0)
    weights = caffe_pb2.NetParameter()
    with warnings.catch_warnings(action="ignore", category=LeftOutWarning):
        wanted = read_graph(prototxt).params
    for layer, shapes in wanted.items():
        if max(map(prod, shapes)) > LARGEST:
            continue
        proto = weights.layer.add(name=layer)
        for shape in shapes:
            # So large that values neither grow nor vanish from layer to layer; what is divided by is above 0.
            spread = np.sqrt(2 / max(prod(shape[1:]), 1)) if len(shape) > 1 else 0.1
            values = spread * rng.standard_normal(shape, dtype=np.float32)
            blob = proto.blobs.add(data=(values if len(shape) > 1 else 1 + np.abs(values)).ravel())
            blob.shape.dim.extend(shape)
    (folder / "deploy.caffemodel").write_bytes(weights.SerializeToString())
    return prototxt


def tried(sequence: Sequence, folder: Path) -> str:
    """List a network's layers and dream with it; return what the commands said."""
    prototxt, picture = write_files(sequence, folder), folder / "in.png"
    height, width = (min(side, LONGEST) for side in sequence.size)
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(picture)
    two_steps = ["--iterations", "2", "--octaves", "1"]
    said = []
    for command in (
        ["layers", str(prototxt)],
        ["dream", str(picture), "-o", str(folder / "out.png"), "-m", str(prototxt), "-l", sequence.dreamt, *two_steps],
    ):
        done = CliRunner().invoke(main, command)
        said.append(done.output)
        if done.exit_code:
            raise click.ClickException(f"{' '.join(command)}: {done.output[-300:]}")
    dreamt = np.asarray(Image.open(folder / "out.png").convert("RGB"))
    if dreamt.shape != noise.shape or (dreamt == noise).all():
        raise click.ClickException("the dream left the picture as it was")
    return "\n".join(said)


@click.command(help=__doc__.splitlines()[0])
@click.argument("names", nargs=-1)
def run(names: tuple[str, ...]) -> None:
    failed = 0
    for name in names or NETWORKS:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            try:
                said = tried(NETWORKS[name](), Path(folder))
                notes = [line for line in said.splitlines() if "cannot be run" in line][:1]
                click.echo(f"{name:22} dreamt in {time.perf_counter() - began:4.1f} s  {' '.join(notes)}")
            except (click.ClickException, PydreamError) as error:
                failed += 1
                click.echo(f"{name:22} WRONG: {' '.join(str(error).split())}")
    click.echo(f"{len(names or NETWORKS) - failed} of {len(names or NETWORKS)} networks")
    sys.exit(bool(failed))


if __name__ == "__main__":
    run()
