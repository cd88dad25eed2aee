"""`pydream completion`: names at the TAB key."""

from __future__ import annotations

import click

from ..help import Command
from ..shells import SHELLS, script
from ..streams import echo


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what SHELL (bash, zsh or fish) reads to complete commands, options and their values with TAB.

    Values are networks, a network's layers and classes, presets, renderers, and files. The lines below say where each
    shell looks for it; a new shell then has it. Bash needs the package bash-completion, or
    `eval "$(pydream completion bash)"` in ~/.bashrc; zsh a folder of its fpath, and compinit.

    \b
    pydream completion bash > ~/.local/share/bash-completion/completions/pydream
    pydream completion zsh > ~/.zfunc/_pydream
    pydream completion fish > ~/.config/fish/completions/pydream.fish
    """  # noqa: D301 (click's mark for a block to leave as it is)
    group = ctx.find_root().command
    assert isinstance(group, click.Group)
    echo(*script(shell, group).splitlines())
