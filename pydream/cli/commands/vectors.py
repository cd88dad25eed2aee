"""`pydream vectors`: test vectors for a port to another language."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import interruption
from ..help import Command
from ..options import force_option, no_sync_option, output_option
from ..places import NewFolder, claim, claim_folder
from ..streams import echo


@click.command("vectors", cls=Command)
@output_option("A folder, made if it is not there", type=NewFolder(), required=True)
@force_option
@no_sync_option
def command(output: Path) -> None:
    """Write inputs and expected outputs of every stage of a dream, for tests of a port.

    Each stage, from the roll of the image to a whole dream, is a case in vectors.json, which names its formula, its
    parameters, its arrays (.npy files) and the tolerance of a result; see docs/porting.md.

    \b
    pydream vectors -o vectors
    """  # noqa: D301 (click's mark for a block to leave as it is)
    from ...testing.vectors import MANIFEST, write_vectors

    claim_folder(output)
    claim([output / MANIFEST], lock=False)
    try:
        files = write_vectors(output)
    except KeyboardInterrupt:
        raise interruption(f"'{output}' is not whole; the same command writes it anew") from None
    size = sum(path.stat().st_size for path in files)
    echo(f"wrote {len(files)} files, {size / 1e6:.1f} MB, into '{output}'", err=True)
