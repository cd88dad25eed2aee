"""What README says is so: its commands run, its Python runs, its links lead somewhere, its flags are explained."""

import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise

import click
import numpy as np
import PIL.Image
import pytest
from support.clips import moving_square, packets, shown, write_clip

from pydream import zoo
from pydream.cli import main
from pydream.record.presets import PRESETS


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def small_checkout(root, tmp_path, monkeypatch):
    """The pictures that README names, an eighth as wide."""
    for name in ("examples/sky.jpg", "docs/sky_dream.jpg"):
        small = tmp_path / name
        small.parent.mkdir()
        PIL.Image.open(root / name).resize((96, 64)).save(small)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(text, language):
    return [block.partition("\n")[2] for block in text.split("```")[1::2] if block.partition("\n")[0] == language]


def test_commands(readme, small_checkout):
    lines = [line for block in blocks(readme, "sh") for line in block.splitlines() if line.startswith("pydream ")]
    assert len(lines) >= 5
    for line in lines:
        arguments = shlex.split(line)[1:]
        run = subprocess.run([sys.executable, "-m", "pydream", *arguments], capture_output=True, text=True)
        assert run.returncode == 0, f"{line}\n{run.stderr}"
        for option, name in pairwise(arguments):
            if option != "-o":
                continue
            made = small_checkout / name
            assert made.exists()
            if arguments[0] == "dream" and arguments[1] != "noise":
                assert PIL.Image.open(made).size == (96, 64)


@pytest.mark.parametrize("page", ["figures", "video"])
def test_commands_of_pages_are_well_formed(root, small_checkout, page):
    """They take longer than the README's, which are all run."""
    write_clip(small_checkout / "film.mp4", moving_square(2))
    text = (root / "docs" / f"{page}.md").read_text(encoding="utf-8")
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        program, name, *arguments = shlex.split(line)
        assert program == "pydream"
        command = main.get_command(click.Context(main), name)
        command.make_context(name, arguments)  # raises what the shell would show


def test_commands_of_scale_are_well_formed(root, small_checkout):
    """They want other machines."""
    (small_checkout / "photos").mkdir()
    for name in ("photos/a.png", "large.png"):
        PIL.Image.new("RGB", (8, 8)).save(small_checkout / name)
    text = (root / "docs" / "scale.md").read_text(encoding="utf-8")
    lines = [line for block in blocks(text, "sh") for line in block.splitlines() if line.startswith("pydream ")]
    assert len(lines) >= 4
    for line in lines:
        _, name, *arguments = shlex.split(line, comments=True)
        command = main.get_command(click.Context(main), name)
        command.make_context(name, arguments)


def test_every_preset_is_in_the_table(root):
    text = (root / "docs" / "figures.md").read_text(encoding="utf-8")
    for preset in PRESETS.values():
        assert f"| `{preset.name}` | {preset.about} |" in text


def test_the_two_commands(readme, root):
    """The first does its own set-up; the second is what CI runs."""
    first, second = blocks(readme, "sh")[:2]
    assert "python3 -m venv" in first
    assert ".venv/bin/pydream dream examples/sky.jpg" in first
    assert second.strip() == "bash tests/run.sh"
    assert "tests/run.sh" in (root / ".ci" / "run").read_text()
    if shutil.which("bash"):
        subprocess.run(["bash", "-n", str(root / "tests" / "run.sh")], check=True)


def test_python(readme, small_checkout):
    (program,) = blocks(readme, "python")
    assert len([line for line in program.splitlines() if line]) <= 10
    exec(compile(program, "README.md", "exec"), {})
    picture = np.asarray(PIL.Image.open(small_checkout / "dream.png"))
    assert picture.shape == (64, 96, 3)
    assert np.abs(np.float32(picture) - np.asarray(PIL.Image.open("examples/sky.jpg"))).mean() > 1


def test_python_of_the_tutorials_page(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (program,) = blocks((root / "docs" / "visualize.md").read_text(encoding="utf-8"), "python")
    exec(compile(program, "visualize.md", "exec"), {})
    assert np.asarray(PIL.Image.open("channel.png")).std() == pytest.approx(25.5, rel=0.1)  # a tenth of the range


def test_python_of_the_objectives(root, small_checkout):
    program = "".join(blocks((root / "docs" / "objectives.md").read_text(encoding="utf-8"), "python"))
    found = {}
    exec(compile(program, "objectives.md", "exec"), found)
    assert found["out"].shape == (64, 96, 3)


def test_python_of_the_films(root, small_checkout):
    write_clip(small_checkout / "film.mp4", moving_square(3), pix_fmt="yuv420p", tone="aac")
    (program,) = blocks((root / "docs" / "video.md").read_text(encoding="utf-8"), "python")
    exec(compile(program, "video.md", "exec"), {})
    assert len(shown("dream.mp4")) == 3
    assert packets("dream.mp4", "audio") == packets("film.mp4", "audio")


def test_links(root):
    for document in (
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/c-library.md",
        "docs/figures.md",
        "docs/objectives.md",
        "docs/own-network.md",
        "docs/porting.md",
        "docs/reproduce.md",
        "docs/performance.md",
        "docs/video.md",
        "docs/visualize.md",
        *(f"models/{e.name}/README.md" for e in zoo.networks()),
    ):
        text = (root / document).read_text(encoding="utf-8")
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            if not link.startswith("http"):
                assert (root / document).parent.joinpath(link).exists(), f"{document}: {link}"


def test_every_network_is_in_the_table(readme):
    for entry in zoo.networks():
        row = next(line for line in readme.splitlines() if line.startswith(f"| [`{entry.name}`]"))
        assert f"`{entry.default_layer}`" in row


def test_every_file_is_in_the_drawing(readme, root):
    (drawing,) = [block for block in blocks(readme, "") if "image.py" in block]
    for path in (root / "pydream").glob("*.py"):
        assert path.name in drawing or path.stem in ("__init__", "__main__", "errors"), path
    for path in (root / "pydream" / "caffe").glob("*.py"):
        assert path.name in drawing or path.stem in ("__init__", "classifier", "io", "mode"), path


def test_pictures_are_small(root):
    for path in (root / "docs").glob("*.jpg"):
        assert path.stat().st_size < 500_000


def commands(group, path):
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def test_every_flag_is_explained():
    for path, command in commands(main, "pydream"):
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{path} {parameter.opts}"
        lines = [line.strip() for line in command.help.splitlines()]  # Python 3.13 takes the margin off a docstring
        assert any(line.startswith(path) for line in lines), f"{path} has no example"
