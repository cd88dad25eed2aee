"""Look for bytes that break pydream's readers, guided by the lines of code that they reach.

    pip install -e '.[fuzz]'
    python tests/fuzz/run.py --minutes 60
    python tests/fuzz/run.py --minutes 5 image metadata
    python tests/fuzz/run.py --minutes 60 --keep found

The targets of `targets.py` take turns, atheris (libFuzzer) drives. What it finds goes to `--keep`: a `finding-…` is to
be mended and put into `corpus/`, beside the small files that it starts from. Exit code 1 if there was a finding.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

import click
from targets import CORPUS, TARGETS

MEGABYTES = 2000  # of memory that a target may take, TensorFlow not being loaded; more is a finding
IN_MEMORY = Path("/dev/shm")  # where files cost no disk
DRIVER = Path(__file__).with_name("drive.py")
APART = ("keras_", "saved_")  # read by another process, whose lines libFuzzer does not see: nothing says what is new
SECONDS = 20  # that one file may take


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=60, show_default=True, help="In all.")
@click.option("--seed", type=click.IntRange(1, 2**31), default=1, show_default=True)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/fuzz"),
    show_default=True,
    help="Where new inputs go, and findings. The next run starts from there too.",
)
def main(names: tuple[str, ...], minutes: float, seed: int, keep: Path) -> None:
    """Fuzz the readers of strangers' files, all or those that are named."""
    if find_spec("atheris") is None:
        raise click.ClickException("atheris is not installed: pip install -e '.[fuzz]'")
    chosen = names or tuple(TARGETS)
    findings = 0
    for name in chosen:
        began = monotonic()
        lines, code = _fuzz(name, _options(name, keep, seed, minutes * 60 / len(chosen)))
        last = next((line for line in reversed(lines) if re.match("#[0-9]", line)), "")
        click.echo(f"{name}: {monotonic() - began:.0f} s, {' '.join(last.split()) or 'no inputs'}")
        if code:
            findings += 1
            click.echo("\n".join(lines[-60:]))
    if findings:
        raise click.ClickException(f"{findings} of {len(chosen)} targets: a finding, see '{keep}'")


def _fuzz(name: str, options: list[str]) -> tuple[list[str], int]:
    """Let libFuzzer have a process of its own; returns its output and its exit code."""
    with tempfile.TemporaryDirectory(prefix="pydream-fuzz-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        done = subprocess.run(
            [sys.executable, DRIVER, name, *options],
            env={**os.environ, "TMPDIR": folder},  # libFuzzer leaves without tidying up
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("INFO: Instrumenting")]
    return lines, done.returncode


def _options(name: str, keep: Path, seed: int, seconds: float) -> list[str]:
    """Return the arguments of libFuzzer, with its folders: its findings go into the first."""
    own = keep / name
    own.mkdir(parents=True, exist_ok=True)
    words = keep / f"{name}.dict"
    words.write_text("".join(f'"{word}"\n' for word in _words(name)), encoding="ascii")
    return [
        f"-max_total_time={max(1, round(seconds))}",
        f"-seed={seed}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        "-max_len=65536",
        *(["-reduce_inputs=0", "-mutate_depth=1"] if name.startswith(APART) else []),
        *([f"-dict={words}"] if _words(name) else []),
        f"-artifact_prefix={own}/finding-",
        str(own),
        str(CORPUS / name),
    ]


def _words(name: str) -> list[str]:
    """Return the words of a target's language, so that libFuzzer need not find them byte by byte."""
    if name != "prototxt":
        return ["width", "height", "sha256", "noise", "loop"] if name in ("metadata", "sidecar") else []
    from pydream.formats.caffe import caffe_pb2
    from pydream.formats.caffe.layers import TYPES

    fields = {field.name for kind in caffe_pb2.DESCRIPTOR.message_types_by_name.values() for field in kind.fields}
    return [*sorted(fields), *sorted(TYPES), " { ", " } ", "-1", "4294967295", "1e999", "nan"]


if __name__ == "__main__":
    main()
