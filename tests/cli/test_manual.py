"""The manual pages: every command, every option, and nothing that a reader of such pages complains of."""

import os
import shutil
import subprocess
import sys

import click
import pytest

from pydream.cli import COMMANDS, main
from pydream.cli.manual import pages, write_pages


@pytest.fixture(scope="module")
def folder_of_pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man") / "man1"
    write_pages(folder)
    return folder


def test_every_command_has_a_page(folder_of_pages):
    names = {path.name for path in folder_of_pages.iterdir()}
    assert names > {"pydream.1", "pydream-models-fetch.1", *(f"pydream-{name}.1" for name in COMMANDS)}


def test_a_page_has_every_option():
    text = dict(pages())["pydream-dream"]
    command = main.get_command(click.Context(main), "dream")
    for param in command.get_params(click.Context(command)):
        for name in (*param.opts, *param.secondary_opts) if isinstance(param, click.Option) else ():
            assert name.replace("-", "\\-") in text
    assert "\npydream dream photos/ \\-o dreams/ \\-\\-keep\\-colors \\-\\-workers 2\n.fi\n.SH EXIT STATUS\n" in text


def test_any_text_is_text():
    """No line begins as a macro does, unless it is one, and all is ASCII."""

    @click.command("odd", help="Do odd things.\n\n.SH is no macro, 'nor this; \\fB is no font – nor …\n\n\b\n.TH\n'x")
    def odd():
        pass

    group = click.Group("group", commands=[odd])
    from pydream.cli.manual import _page

    lines = list(_page(odd, click.Context(odd, parent=click.Context(group, info_name="pydream"), info_name="odd")))
    assert "\\&.SH is no macro, 'nor this; \\efB is no font \\[u2013] nor \\[u2026]" in lines
    assert lines[lines.index(".nf") : lines.index(".fi")] == [".nf", "\\&.TH", "\\&'x"]


@pytest.mark.parametrize("reader", [["mandoc", "-Tlint"], ["groff", "-ww", "-man", "-Tascii", "-z"]])
def test_readers_do_not_complain(folder_of_pages, reader):
    if shutil.which(reader[0]) is None:
        pytest.skip(f"NOT PROVEN HERE: {reader[0]} is not installed")
    for page in [folder_of_pages / "pydream.1"] if reader[0] == "groff" else sorted(folder_of_pages.iterdir()):
        run = subprocess.run([*reader, str(page)], capture_output=True, text=True)
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_program_names_what_it_wants():
    done = subprocess.run([sys.executable, "-m", "pydream.cli.manual"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "usage: python -m pydream.cli.manual FOLDER\n")


def test_nobody_reads_the_programs_answer(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "pydream.cli.manual", str(tmp_path / "man")]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    assert len(list((tmp_path / "man").iterdir())) == len(list(pages()))


def test_the_program_cannot_write(tmp_path):
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "pydream.cli.manual", str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pydream: error: ")
    assert done.stderr.count("\n") == 1
