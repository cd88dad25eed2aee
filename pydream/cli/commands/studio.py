"""`pydream studio`: a page in the browser that dreams, on this machine."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from ...studio.guard import is_loopback
from ...zoo.registry import find_network, own_folder
from ..help import Command
from ..libraries import limit_pixels
from ..options import memory_option, model_option, option
from ..places import ReadFile
from ..streams import echo


@click.command("studio", cls=Command)
@click.argument("picture", required=False, type=ReadFile(), metavar="[PICTURE]")
@option("--host", "Address of this machine to listen at.", default="127.0.0.1", metavar="ADDRESS")
@option("--port", "Port to listen at.  [default: 8215, or any that is free]", click.IntRange(1, 65535), metavar="N")
@option(
    "--folder",
    "Folder of the pictures, the queue and the results.  [default: pydream-studio in the user's data folder]",
    click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
)
@option("--no-browser", "No browser: the address is printed only.", is_flag=True)
@option("--allow-remote", "Consent to a --host that other machines reach.", is_flag=True)
@model_option()
@memory_option
@option("--max-pixels", "Maximum number of pixels of a picture.", click.IntRange(min=1), metavar="N")
def command(
    picture: Path | None,
    host: str,
    port: int | None,
    folder: Path | None,
    no_browser: bool,
    allow_remote: bool,
    model: str,
    memory: int | None,
    max_pixels: int | None,
) -> None:
    """Dream in the browser: a page on this machine, for which an address is printed and opened.

    PICTURE is opened in it. Pictures, results and the queue are in --folder, results as ordinary files with their
    provenance. Ctrl-C ends it; a dream that runs goes on when the studio is started again.

    The address has a token, without which nothing is answered. Only this machine reaches it, unless --host says
    otherwise; then everyone in that network who sees the address can use the studio: what is sent is not encrypted.

    \b
    pydream studio
    pydream studio sky.jpg --folder dreams
    """  # noqa: D301 (click's mark for a block to leave as it is)
    from PIL import Image

    from ...studio.serve import listening, serve
    from ...studio.studio import Studio

    if not is_loopback(host) and not allow_remote:
        line = (
            f"{host} is reached by other machines: all who see the address there can dream, read your pictures and"
            " fill the disk, and what is sent is not encrypted; --allow-remote consents, an SSH tunnel is safer"
        )
        raise click.BadParameter(line, param_hint="'--host'")
    find_network(model)
    folder = (folder or own_folder().parents[1] / "pydream-studio").absolute()
    if os.fsencode(folder) != str(folder).encode(errors="replace"):
        line = "its name, or that of a folder above it, is not UTF-8, as names in JSON are"
        raise click.BadParameter(line, param_hint="'--folder'")
    limit_pixels(click.get_current_context(), max_pixels)
    studio = Studio(folder, model=model, memory=memory, most_pixels=Image.MAX_IMAGE_PIXELS or 2**31)
    with listening(host, port) as sock:
        serve(
            studio,
            folder,
            sock,
            model=model,
            opened=picture,
            say=partial(_say, remote=not is_loopback(host)),
            report=lambda line: echo(f"pydream: {line}", err=True),
            browser=not no_browser,
        )


def _say(address: str, *, remote: bool) -> None:
    echo(address)
    where = "other machines reach it too, unencrypted; " if remote else ""
    echo(f"pydream: the studio is at this address, for those who have it; {where}Ctrl-C ends it", err=True)
