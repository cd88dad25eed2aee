"""`--runtime` takes what installed packages add."""

import json
import shutil
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from support import plugs

from pydream.cli import main
from pydream.cli.runtimes import _BUILT_IN
from pydream.media.image import read_note
from pydream.runtime.engines import AUTO, RUNTIMES

SHORT = ["-l", "fire2/concat", "-n", "1", "--octaves", "1", "--seed", "3", "-q"]


@pytest.fixture
def plain(folder, monkeypatch):
    """A package's runtime of that name."""
    place = folder / "site"
    place.mkdir()
    monkeypatch.syspath_prepend(place)
    plugs.install(place, "plug-cli")
    yield place
    sys.modules.pop("plug_cli", None)


def test_the_built_in_are_all():
    assert sorted(_BUILT_IN) == sorted([AUTO, *RUNTIMES])


def test_help_and_completion_list_it(plain):
    for name in ("dream", "video", "classify"):
        ctx = click.Context(main.get_command(click.Context(main), name))
        (option,) = (param for param in ctx.command.get_params(ctx) if param.name == "runtime")
        names, _ = option.get_help_record(ctx)
        assert names == "--runtime [auto|tensorflow|native|numpy|plain]"
    complete = ShellComplete(main, {}, "pydream", "_PYDREAM_COMPLETE")
    assert [item.value for item in complete.get_completions(["dream", "--runtime"], "pl")] == ["plain"]
    assert "plug_cli" not in sys.modules


def test_an_unknown_one_lists_it(plain, run, picture):
    seen = run("dream", picture.name, "-o", "out.png", "--runtime", "other", *SHORT)
    assert seen.code == 2
    assert "'other' is not one of 'auto', 'tensorflow', 'native', 'numpy', 'plain'" in seen.err
    assert len(seen.err.splitlines()) == 1


def test_a_picture_says_which_and_is_made_again(plain, run, picture):
    assert run("dream", picture.name, "-o", "out.png", "--runtime", "plain", "--exact", *SHORT).code == 0
    said = json.loads(read_note("out.png"))
    assert said["network"]["runtime"] == "plain"
    assert said["versions"]["plug-cli"] == "1.5"
    assert "--runtime plain" in said["command"]
    assert run("replay", "out.png").code == 0
    (about,) = plain.glob("*.dist-info/METADATA")
    shutil.rmtree(about.parent)
    gone = run("replay", "out.png")
    assert gone.code == 1
    assert gone.err == (
        "pydream: error: it was made on a runtime that is not installed here: no runtime 'plain'; there are:"
        " 'auto', 'tensorflow', 'numpy', 'native'\n"
    )


def test_a_broken_package_is_named(plain, run, picture):
    (plain / "plug_cli.py").write_text("import no_such_library")
    seen = run("dream", picture.name, "-o", "out.png", "--runtime", "plain", *SHORT)
    assert seen.code == 1
    assert seen.err == (
        "pydream: error: the package 'plug-cli' adds the runtime 'plain', which cannot be imported: No module named"
        " 'no_such_library'\n"
    )
    assert not Path("out.png").exists()
