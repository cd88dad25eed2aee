"""What README and docs/ say is so: commands and Python run, links and paths lead somewhere, flags are explained."""

import ast
import re
import shlex
import shutil
import subprocess
from itertools import pairwise

import click
import numpy as np
import PIL.Image
import pytest
from support.clips import moving_square, packets, shown, write_clip

import pydream
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


def commands_of(text):
    """Yield the arguments of every line that calls pydream."""
    for block in blocks(text, "sh"):
        for line in block.splitlines():
            if line.startswith("pydream "):
                yield shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize("page", ["README", "docs/getting-started"])
def test_commands(root, small_checkout, page, capfd):
    lines = list(commands_of((root / f"{page}.md").read_text(encoding="utf-8")))
    assert len(lines) >= 5
    for arguments in lines:
        with pytest.raises(SystemExit) as ended:
            main(arguments, prog_name="pydream")
        assert not ended.value.code, f"{shlex.join(arguments)}\n{capfd.readouterr().err}"
        for option, name in pairwise(arguments):
            if option != "-o":
                continue
            made = small_checkout / name
            assert made.exists()
            if arguments[0] == "dream" and made.is_file() and not arguments[1].startswith("noise"):
                assert PIL.Image.open(made).size == (96, 64)


@pytest.mark.parametrize("page", ["figures", "networks", "reproduce", "scale", "tiles", "video", "visualize"])
def test_commands_of_pages_are_well_formed(root, small_checkout, page):
    """They take longer than those above, or need other machines and files."""
    write_clip(small_checkout / "film.mp4", moving_square(2))
    (small_checkout / "photos").mkdir()
    for name in ("photos/a.png", "large.png", "large.jpg", "sky.jpg", "sky1024px.jpg", "flowers.jpg"):
        PIL.Image.new("RGB", (8, 8)).save(small_checkout / name)
    for name in ("deploy.prototxt", "some.caffemodel", "mine.caffemodel"):
        (small_checkout / name).touch()
    lines = list(commands_of((root / "docs" / f"{page}.md").read_text(encoding="utf-8")))
    assert len(lines) >= 2
    for name, *words in lines:
        command = main.get_command(click.Context(main), name)
        if isinstance(command, click.Group) and words:
            name, *words = words
            command = command.get_command(click.Context(command), name)
        command.make_context(name, words)  # raises what the shell would show


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
    exec(compile(program.replace("7, rng", "7, iter_n=2, rng"), "visualize.md", "exec"), {})
    assert np.asarray(PIL.Image.open("channel.png")).std() > 3  # of noise it is 0.3


@pytest.mark.parametrize("page", ["getting-started", "notebook", "objectives"])
def test_python_of_pages(root, small_checkout, page):
    program = "".join(blocks((root / "docs" / f"{page}.md").read_text(encoding="utf-8"), "python"))
    found = {}
    exec(compile(program, f"{page}.md", "exec"), found)
    assert found["out"].shape == (64, 96, 3)


def test_python_of_the_films(root, small_checkout):
    write_clip(small_checkout / "film.mp4", moving_square(3), pix_fmt="yuv420p", tone="aac")
    (program,) = blocks((root / "docs" / "video.md").read_text(encoding="utf-8"), "python")
    exec(compile(program, "video.md", "exec"), {})
    assert len(shown("dream.mp4")) == 3
    assert packets("dream.mp4", "audio") == packets("film.mp4", "audio")


def pages(root):
    """Every page that people read."""
    return [*root.glob("*.md"), *(root / "docs").glob("*.md"), *root.glob("*/*/README.md")]


def anchors(page):
    """The names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links(root):
    assert len(pages(root)) > 25
    for page in pages(root):
        for link, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                target = page.parent / link if link else page
                assert target.exists(), f"{page}: {link}"
                assert not anchor or anchor in anchors(target), f"{page}: {link}#{anchor}"


def test_paths(root):
    """A file that a page names is there, but for what CHANGELOG says of earlier ones."""
    named = re.compile(r"(?<![\w./])(?:pydream|tests|csrc|benchmarks)/[\w./-]*\w")
    for page in pages(root):
        if page.name == "CHANGELOG.md":
            continue
        for path in named.findall(page.read_text(encoding="utf-8")):
            assert (root / path).exists(), f"{page}: {path}"


def test_names_in_files(root):
    """What the lists of docs/architecture.md say that a file has, it has."""
    text = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    items = re.findall(r"^\d\. `([\w/]+(?:\.py|/))`: ((?:.|\n(?=   ))*)", text, re.MULTILINE)
    assert len(items) >= 8
    for path, item in items:
        files = [root / path] if path.endswith(".py") else list((root / path).glob("*.py"))
        there = "".join(file.read_text(encoding="utf-8") for file in files)
        for name in re.findall(r"`(\w+)[`(]", item):
            assert re.search(rf"\b{name}\b", there), f"{path}: {name}"


def test_readme_is_short(readme):
    assert len(readme.splitlines()) <= 110


def test_the_index(root):
    """Every page is in it, and says at its top for which readers it is."""
    index = (root / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (root / "docs").glob("*.md"):
        title, _, whom, *_ = page.read_text(encoding="utf-8").splitlines()
        assert title.startswith("# "), page
        assert whom.startswith("*For "), page
        assert page.name == "README.md" or f"]({page.name})" in index, page


OF_LIBRARIES = {"CUDA_VISIBLE_DEVICES", "KERAS_BACKEND", "HTTPS_PROXY"}  # that read them themselves
C_READS = re.compile(r'getenv\("(\w+)"\)')
NAMES_ONE = re.compile(r"_?[A-Z][A-Z0-9_]*_?")


def variables_of(source):
    """Return the names of environment variables in Python's code: of `os.environ`, of click, and as constants."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript):
            values = [node.slice] if ast.unparse(node.value) == "os.environ" else []
        elif isinstance(node, ast.Compare):
            values = [node.left] if "os.environ" in map(ast.unparse, node.comparators) else []
        elif isinstance(node, ast.Call):
            values = [each.value for each in node.keywords if each.arg == "envvar"]
            if ast.unparse(node.func) in ("os.getenv", *(f"os.environ.{how}" for how in ("get", "setdefault", "pop"))):
                values += node.args[:1]
        elif isinstance(node, ast.Assign):
            values = [node.value] if "VARIABLE" in ast.unparse(node.targets[0]) else []
        else:
            continue
        yield from (each.value for each in values if isinstance(each, ast.Constant) and NAMES_ONE.fullmatch(each.value))


def test_environment_variables(root):
    """The index lists every variable that the package, the C++ code or the tests read, once, and no other."""
    index = (root / "docs" / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \|", index, re.MULTILINE)
    python = [*(root / "pydream").rglob("*.py"), root / "tests" / "conftest.py"]
    sources = [path.read_text(encoding="utf-8") for path in python]
    found = {name for text in sources if re.search("env|VARIABLE", text) for name in variables_of(text)}
    found |= {name for path in (root / "csrc").rglob("*.cpp") for name in C_READS.findall(path.read_text("utf-8"))}
    assert {"PYDREAM_NUM_THREADS", "PYDREAM_VECTORS", "PYDREAM_MODELS", "PYDREAM_MAX_PIXELS", "XDG_DATA_HOME"} < found
    assert sorted({f"{name}NAME" if name.endswith("_") else name for name in found} | OF_LIBRARIES) == sorted(table)


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['A_B']",
        "os.environ.get('A_B', '')",
        "'A_B' in os.environ",
        "os.getenv('A_B')",
        "option(envvar='A_B')",
    ],
)
def test_a_variable_is_found(line):
    assert list(variables_of(line)) == ["A_B"]


def test_the_map_has_every_room(root):
    """In the order of the package's docstring."""
    text = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `pydream/(\w+)(?:/|\.py)` \|", text, re.MULTILINE)
    assert rooms == re.findall(r"^(\w+) +\w", pydream.__doc__.split("=\n")[1], re.MULTILINE)


def test_every_network_is_in_the_table(readme):
    for entry in zoo.networks():
        row = next(line for line in readme.splitlines() if line.startswith(f"| [`{entry.name}`]"))
        assert f"`{entry.default_layer}`" in row


def test_pictures_are_small(root):
    for path in (root / "docs").glob("*.jpg"):
        assert path.stat().st_size < (100_000 if path.name.startswith("small_") else 500_000)


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


@pytest.mark.parametrize("page", ["README", "docs/figures", "docs/getting-started", "docs/networks", "docs/video"])
def test_no_command_replaces_what_another_of_the_page_wrote(root, page):
    """That would be refused; dreams of folders skip what is there."""
    text = (root / f"{page}.md").read_text(encoding="utf-8")
    lines = [line for language in ("sh", "console") for block in blocks(text, language) for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines if "pydream " in line]
    written = [name for line in words for option, name in pairwise(line) if option == "-o" and "--force" not in line]
    assert len(written) >= 3
    assert sorted(written) == sorted(set(written))
