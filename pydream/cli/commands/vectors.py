"""`pydream vectors`: test vectors for a port to another language."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import ResultsDifferError
from ..errors import interruption
from ..help import Command
from ..options import force_option, no_sync_option, option, output_option
from ..places import NewFolder, ReadPlace, claim, claim_folder
from ..streams import echo


@click.command("vectors", cls=Command)
@output_option("A folder, made if it is not there", type=NewFolder())
@option("-w --weights with_weights", "The built-in network too, as arrays and JSON.", is_flag=True)
@option(
    "--check",
    "Results of a port, a folder of .npy files or a .npz file, to compare with the vectors; nothing is written.",
    ReadPlace(),
    metavar="RESULTS",
)
@force_option
@no_sync_option
def command(output: Path | None, with_weights: bool, check: Path | None) -> None:
    """Write inputs and expected outputs of every stage of a dream, for tests of a port.

    Each stage, from the roll of the image to a whole dream, is a case in vectors.json, which names its formula, its
    parameters, its arrays (.npy files) and the tolerance of a result; see docs/porting.md. --weights adds what a port
    of the built-in network needs, without protobuf or prototxt. With --check, the results of a port are compared, and
    common mistakes named; the exit code is 1 if one differs.

    \b
    pydream vectors -o vectors
    pydream vectors -o vectors --weights
    pydream vectors --check results
    """  # noqa: D301 (click's mark for a block to leave as it is)
    from ...testing import ConformanceError, check_vectors
    from ...testing.vectors import MANIFEST, write_vectors

    if (output is None) == (check is None) or (with_weights and check):
        raise click.UsageError("'--output' writes the vectors, '--check' compares results: choose one")
    if check is not None:
        try:
            report = check_vectors(check)
        except ConformanceError as error:
            report = error.report
        for line in str(report).splitlines():
            echo(line)
        if report.failures:
            what = f"{len(report.failures)} of {len(report.steps)} results differ from the vectors"
            raise ResultsDifferError(what)
        return
    assert output is not None
    claim_folder(output)
    claim([output / MANIFEST], lock=False)
    try:
        files = write_vectors(output, with_weights)
    except KeyboardInterrupt:
        raise interruption(f"'{output}' is not whole; the same command writes it anew") from None
    size = sum(path.stat().st_size for path in files)
    echo(f"wrote {len(files)} files, {size / 1e6:.1f} MB, into '{output}'", err=True)
