"""What a command reads is never written over, it is the only one that writes, and both are known before its work."""

import io
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pydream.cli import COMMANDS, main
from pydream.cli.input import SourceType
from pydream.cli.places import Model, ReadFile
from pydream.locks import locked
from pydream.media import LONGEST_NOTE, read_note
from pydream.zoo.registry import find_network, find_weights

SHORT = ["-n", "1", "--octaves", "2", "--jitter", "4", "--seed", "1", "--runtime", "numpy"]
# A command line of every command that writes files, and where it writes: {read} is a file that it reads.
WRITES = {
    "dream": (["{read}", "-o", "out.png"], "out.png"),
    "dream --sidecar": (["{read}", "-o", "out.png", "--sidecar"], "out.png.json"),
    "dream many": (["{read}", "other.png", "-o", "out"], "out/other.png"),
    "dream series": (["{read}", "-o", "out", "--series", "2"], "out/2.png"),
    "zoom": (["{read}", "-o", "out", "--force"], "out/00000003.png"),
    "zoom film": (["{read}", "-o", "out.mp4"], "out.mp4"),
    "zoom frames of a film": (["{read}", "-o", "out.mp4", "--force"], "out.mp4.frames/00000003.png"),
    "video": (["{read}", "-o", "out.mp4"], "out.mp4"),
    "video frames": (["{read}", "-o", "out.mp4", "--force"], "out.mp4.frames/00000003.png"),
    "visualize": (["{read}", "-o", "out.png"], "out.png"),
    "channels": (["{read}", "-o", "out.png"], "out.png"),
    "channels --pictures": (["{read}", "-o", "out.png", "--pictures", "out", "--force"], "out/channel-000003.png"),
    "atlas": (["{read}", "-o", "out.html"], "out.html"),
    "atlas --pictures": (["{read}", "-o", "out.png", "--pictures", "out", "--force"], "out/cell-000003.png"),
    "looks": (["{read}", "-o", "out.html"], "out.html"),
    "sweep": (["{read}", "-o", "out.png"], "out.png"),
    "sweep page": (["{read}", "-o", "out.html", "--sidecar"], "out.html.json"),
    "classify": (["{read}", "-o", "out.png", "--dream"], "out.png"),
    "grid": (["{read}", "-o", "out.png"], "out.png"),
    "octaves": (["{read}", "-o", "out.png"], "out.png"),
    "history": (["{read}", "-o", "out.png"], "out.png"),
    "history --gif": (["{read}", "-o", "out.png", "--gif"], "out.gif"),
    "reproduce": (["{read}", "-o", "out", "--model", "squeezenet_v1.1"], "out/dream_4c.png"),
    "reproduce frames": (["{read}", "-o", "out", "--model", "squeezenet_v1.1"], "out/frames/00000003.png"),
    "reproduce report": (["{read}", "-o", "out", "--model", "squeezenet_v1.1"], "out/report.html"),
    "bench": (["--weights", "{read}", "--plot", "out.svg"], "out.svg"),
    "export": (["--weights", "{read}", "-o", "out.onnx"], "out.onnx"),
}
WRITES_NOTHING = {"completion", "presets", "layers", "selftest"}  # but standard output
WRITES_ITS_OWN = {"replay", "vectors", "models", "studio"}  # see below, and tests/studio


def parameters():
    """Yield each command's name and parameter, those of groups too."""
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        for each in (command, *getattr(command, "commands", {}).values()):
            for parameter in each.params:
                yield name, parameter


def test_every_command_is_here():
    assert {name.split()[0] for name in WRITES} | WRITES_NOTHING | WRITES_ITS_OWN == set(COMMANDS)


def test_a_file_on_the_command_line_has_a_type_that_notes_it():
    """A path that must be there is read; and one of these names is a file, whatever its type says."""
    noting = (ReadFile, Model, SourceType)
    read = {"input", "picture", "guide", "mask", "direction", "model", "models", "weights", "files"}
    seen = set()
    for name, parameter in parameters():
        kind = parameter.type
        if isinstance(kind, click.Path):
            assert isinstance(kind, ReadFile) or not kind.exists, f"{name} {parameter.name}"
        if parameter.name in read:
            assert isinstance(kind, noting), f"{name} {parameter.name}"
            seen.add(parameter.name)
    assert seen == read


@pytest.fixture
def unloaded(monkeypatch):
    """No network is loaded, and so TensorFlow not imported."""

    def load(*_, **__):
        raise AssertionError("a network was loaded")

    for name in ("load_net", "read_graph"):
        monkeypatch.setattr(f"pydream.zoo.load.{name}", load)
    monkeypatch.setattr("pydream.easy.preparation.load_net", load)
    monkeypatch.setattr("pydream.cli.commands.sweep.read_graph", load)


def line(name, read):
    return [name.split()[0], *(word.format(read=read) for word in WRITES[name][0])]


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize("name", WRITES)
def test_what_is_read_is_not_written_over(run, picture, folder, unloaded, link, name):
    """By no command, wherever it writes; the place is another name of the file."""
    place = folder / WRITES[name][1]
    place.parent.mkdir(parents=True, exist_ok=True)
    (folder / "other.png").write_bytes(picture.read_bytes())
    os.rename(picture, place)
    link(place, picture)
    before = place.read_bytes()
    seen = run(*line(name, "in.png"))
    assert (seen.code, seen.out) == (2, ""), seen
    assert "would overwrite" in seen.err
    assert "which is read" in seen.err
    assert place.read_bytes() == before


def options_that_read():
    for name, parameter in parameters():
        if isinstance(parameter, click.Option) and isinstance(parameter.type, (ReadFile, Model)) and name in WRITES:
            yield "dream series" if parameter.name == "between" else name, parameter.opts[-1], parameter.nargs


@pytest.mark.parametrize(("name", "option", "files"), sorted(options_that_read()))
def test_nor_what_an_option_reads(run, picture, folder, unloaded, name, option, files):
    place = folder / WRITES[name][1]
    place.parent.mkdir(parents=True, exist_ok=True)
    os.link(picture, folder / "side.png")
    os.link(picture, place)
    (folder / "other.png").write_bytes(picture.read_bytes())
    seen = run(*line(name, "other.png"), option, *["side.png"] * files)
    assert (seen.code, seen.out) == (2, ""), seen
    assert "'side.png', which is read" in seen.err, seen


def test_replay_finds_what_it_may_not_write_over(run, refused, picture, folder):
    """The input and the mask, beside the picture, whatever the target is called."""
    (folder / "mask.png").write_bytes(picture.read_bytes())
    assert run("dream", "in.png", "-o", "dream.png", "--mask", "mask.png", *SHORT, "-q").code == 0
    (folder / "sub").mkdir()
    os.link("mask.png", "sub/same.png")
    for target, read in (("in.png", "in.png"), ("mask.png", "mask.png"), ("sub/same.png", "mask.png")):
        said = refused(2, "replay", "dream.png", "-o", target)
        assert f"it would overwrite '{read}', which is read" in said
    weights = find_weights(find_network("squeezenet_v1.1"))
    os.symlink(weights, "weights.png")
    assert f"'{weights}', which is read" in refused(2, "replay", "dream.png", "-o", "weights.png")
    assert "dream.png', which is read" in refused(2, "replay", "dream.png", "-o", "dream.png")
    assert run("replay", "dream.png", "-o", "again.png").code == 0


def test_standard_output_is_a_target(own_network, folder, root):
    """And standard input a file that is read."""
    before = Path("own.prototxt").read_bytes()
    environment = {**os.environ, "PYTHONPATH": str(root)}

    def pydream(*arguments, **streams):
        command = [sys.executable, "-m", "pydream", *arguments]
        return subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, **streams)

    with open("own.prototxt", "ab") as file:
        ended = pydream("layers", "-m", "own.prototxt", stdout=file)
    assert ended.returncode == 2
    assert "standard output would overwrite 'own.prototxt', which is read" in ended.stderr
    assert Path("own.prototxt").read_bytes() == before
    with open("own.prototxt", "rb") as file:
        os.link("own.prototxt", "out.png")
        ended = pydream("dream", "-", "-o", "out.png", stdin=file)
    assert ended.returncode == 2
    assert "it would overwrite the file that is standard input, which is read" in ended.stderr


@pytest.mark.parametrize("name", [*WRITES, "vectors"])
def test_another_run_writes_there(run, picture, folder, unloaded, name):
    """It is said at once, and nothing is touched."""
    (folder / "other.png").write_bytes(picture.read_bytes())
    (folder / "out").mkdir()
    arguments = ["vectors", "-o", "out"] if name == "vectors" else line(name, "in.png")
    place = WRITES.get(name, ("", "out/file"))[1].replace(".frames", "").replace(".json", "").split("/")[0]
    with locked(folder / place):
        seen = run(*arguments)
    assert (seen.code, seen.out) == (1, ""), seen
    assert seen.err == (
        f"pydream: error: another run (process {os.getpid()}) writes '{place}': wait for it, or choose another place\n"
    )
    assert sorted(os.listdir(folder)) == ["in.png", "other.png", "out"]
    assert os.listdir("out") == []


def test_pictures_of_one_each_go_into_a_folder_side_by_side(run, picture, folder):
    """As `xargs -P` starts them; but not twice the same."""
    (folder / "out").mkdir()
    with locked(folder / "out" / "other.png"), locked(folder / "out"):
        assert run("dream", "in.png", "-o", "out", *SHORT, "-q").code == 0
    (folder / "other.png").write_bytes(picture.read_bytes())
    with locked(folder / "out" / "in.png"):
        seen = run("dream", "in.png", "other.png", "-o", "out", *SHORT, "-f", "-q")
    assert seen.code == 1
    assert f"'in.png': another run (process {os.getpid()}) writes 'out/in.png'" in seen.err
    assert sorted(os.listdir("out")) == ["in.png", "other.png"]


FILE = "'--output'"
# What is there when a command begins: its line, the file, and the option that names it.
KEPT = {
    "dream": (["dream", "in.png", "-o", "out.png"], "out.png", FILE),
    "dream's sidecar": (["dream", "in.png", "-o", "out.png", "--sidecar"], "out.png.json", "'--sidecar'"),
    "a link": (["dream", "in.png", "-o", "link.png"], "out.png", FILE),
    "zoom": (["zoom", "in.png", "-o", "out.mp4"], "out.mp4", FILE),
    "a loop's second film": (["zoom", "in.png", "-o", "new", "-o", "a.gif", "-o", "b.mp4"], "b.mp4", FILE),
    "a film's sidecar": (["zoom", "in.png", "-o", "out.mp4", "--sidecar"], "out.mp4.json", "'--sidecar'"),
    "video": (["video", "in.png", "-o", "out.mp4"], "out.mp4", FILE),
    "visualize": (["visualize", "-o", "out.png"], "out.png", FILE),
    "channels": (["channels", "-o", "out.png"], "out.png", FILE),
    "atlas": (["atlas", "in.png", "-o", "out.html"], "out.html", FILE),
    "looks": (["looks", "in.png", "-o", "out.html"], "out.html", FILE),
    "sweep": (["sweep", "in.png", "-o", "out.png"], "out.png", FILE),
    "sweep's page": (["sweep", "in.png", "-o", "out.html"], "out.html", FILE),
    "classify": (["classify", "in.png", "-o", "out.png", "--dream"], "out.png", FILE),
    "grid": (["grid", "in.png", "-o", "out.png"], "out.png", FILE),
    "octaves": (["octaves", "in.png", "-o", "out.png"], "out.png", FILE),
    "history": (["history", "in.png", "-o", "out.png"], "out.png", FILE),
    "history's film": (["history", "in.png", "-o", "new.png", "-o", "out.mp4"], "out.mp4", FILE),
    "history --gif": (["history", "in.png", "-o", "out.png", "--gif"], "out.gif", FILE),
    "reproduce": (["reproduce", "in.png", "--model", "squeezenet_v1.1", "-o", "out"], "out/report.html", FILE),
    "bench": (["bench", "--plot", "out.svg"], "out.svg", "'--plot'"),
    "vectors": (["vectors", "-o", "out"], "out/vectors.json", FILE),
    "export": (["export", "-o", "out.onnx"], "out.onnx", FILE),
}


RESUMING = {name for name, parameter in parameters() if "--resume" in parameter.opts}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_there_is_not_replaced(refused, picture, folder, unloaded, name):
    """By no command, before it loads anything, unless --force says so."""
    arguments, place, hint = KEPT[name]
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / "link.png").symlink_to("out.png")
    (folder / place).write_text("The dreams of 2015, made again")  # what a report begins with
    name = "link.png" if name == "a link" else place
    said = refused(2, *arguments)
    resumes = ", --resume continues an earlier run" if arguments[0] in RESUMING else ""
    assert f"Invalid value for {hint}: '{name}' is there already: --force replaces it{resumes} (see" in said


def test_every_command_that_writes_takes_force():
    """But those whose results are never replaced."""
    writing = {name for name, parameter in parameters() if parameter.name in ("output", "plot")}
    forcing = {name for name, parameter in parameters() if "--force" in parameter.opts}
    assert {arguments[0] for arguments, _, _ in KEPT.values()} | {"replay"} == writing
    assert forcing >= writing


def test_force_replaces(run, quick, picture):
    assert run("dream", "in.png", "-o", "out.png", *quick, "--sidecar", "-q").code == 0
    before = Path("out.png").read_bytes()
    assert run("dream", "in.png", "-o", "out.png", *quick, "-q").code == 2
    assert Path("out.png").read_bytes() == before
    assert run("dream", "in.png", "-o", "out.png", *quick, "--sidecar", "-q", "--force", "-n", "2").code == 0
    assert '"iter_n": 2' in read_note("out.png")
    assert f"{read_note('out.png')}\n" == Path("out.png.json").read_text()
    Path("again.png").write_text("precious")
    said = run("replay", "out.png", "-o", "again.png", *quick[:4]).err
    assert "'again.png' is there already: --force replaces it" in said


def test_what_has_no_content_cannot_be_lost(run, quick, picture):
    """As the file that mktemp makes."""
    Path("out.png").touch()
    assert run("dream", "in.png", "-o", "out.png", *quick, "-q").code == 0


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_is_asked_about_all_of_them(run, quick, picture, monkeypatch):
    for name in ("in.history.png", "in.history.gif"):
        Path(name).write_text("precious")
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    monkeypatch.setattr("sys.stderr", shown := Terminal())
    assert run("history", "in.png", "-o", "in.history.png", "-o", "in.history.gif", *quick, "-q").code == 0
    asked = "pydream: 'in.history.png', 'in.history.gif' are there already: replace them? [y/N]\n"
    assert shown.getvalue().startswith(asked)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 2), ("", 2), ("no\n", 2)])
def test_a_terminal_is_asked(run, quick, picture, monkeypatch, answer, code):
    Path("out.png").write_text("precious")
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run("dream", "in.png", "-o", "out.png", *quick, "-q").code == 2  # stderr is none
    monkeypatch.setattr("sys.stderr", shown := Terminal())
    assert run("dream", "in.png", "-o", "out.png", *quick, "-q").code == code
    assert shown.getvalue().startswith("pydream: 'out.png' is there already: replace it? [y/N]\n")
    assert (Path("out.png").read_bytes() == b"precious") == bool(code)


NOT_WRITABLE = "/proc/self"  # by root neither
TWICE = {
    "a film": ["zoom", "in.png", "-o", "out.mp4", "-o", "./out.mp4"],
    "a figure": ["history", "in.png", "-o", "out.png", "-o", "link.png"],
    "the gif beside it": ["history", "in.png", "-o", "out.png", "-o", "out.gif", "--gif"],
    "a sheet and a folder": ["sweep", "in.png", "-o", "out.png", "--pictures", "new/../out.png/"],
    "a sidecar and a folder": ["channels", "-o", "out.png", "--sidecar", "--pictures", "out.png.json/"],
}


@pytest.mark.parametrize("name", TWICE)
def test_nothing_is_written_twice(run, picture, folder, unloaded, name):
    if name == "a figure":
        (folder / "out.png").touch()
        (folder / "link.png").symlink_to("out.png")
    seen = run(*TWICE[name])
    assert seen.code == 2, seen
    assert "would be" in seen.err
    assert not (folder / "out.png").is_dir()


TOO_LATE = {
    "a sidecar's place": (["dream", "in.png", "-o", "out.png", "--sidecar"], "out.png.json"),
    "a film's sidecar": (["zoom", "in.png", "-o", "out.mp4", "--sidecar"], "out.mp4.json"),
    "a figure's sidecar": (["octaves", "in.png", "-o", "out.png", "--sidecar"], "out.png.json"),
    "a sheet": (["sweep", "in.png", "-o", "out.png"], "out.png"),
    "the gif beside it": (["history", "in.png", "-o", "out.png", "--gif"], "out.gif"),
    "a report": (["reproduce", "in.png", "-o", "out", "--model", "squeezenet_v1.1"], "out/report.json"),
    "a plot": (["bench", "--plot", "out.svg"], "out.svg"),
    "a manifest": (["vectors", "-o", "out"], "out/vectors.json"),
    "a graph": (["export", "-o", "out.onnx"], "out.onnx"),
}


@pytest.mark.parametrize("name", TOO_LATE)
def test_a_folder_has_the_name(run, picture, folder, unloaded, name):
    arguments, place = TOO_LATE[name]
    (folder / place).mkdir(parents=True)
    seen = run(*arguments)
    assert (seen.code, seen.err.count("\n")) == (2, 1), seen
    assert f"cannot write '{place}': it is a folder" in seen.err


@pytest.mark.skipif(not Path(NOT_WRITABLE).exists(), reason="NOT PROVEN HERE: no folder that takes nothing")
@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["zoom", "in.png", "-o", NOT_WRITABLE], "'--output'"),
        (["dream", "in.png", "other.png", "-o", NOT_WRITABLE], "'--output'"),
        (["sweep", "in.png", "-o", "out.png", "--pictures", f"{NOT_WRITABLE}/all"], "'--pictures'"),
        (["channels", "-o", "out.png", "--pictures", f"{NOT_WRITABLE}/all"], "'--pictures'"),
        (["video", "in.png", "-o", f"{NOT_WRITABLE}/out.mp4"], "'--output'"),
        (["reproduce", "in.png", "-o", NOT_WRITABLE, "--model", "squeezenet_v1.1"], "'--output'"),
        (["vectors", "-o", NOT_WRITABLE], "'--output'"),
    ],
)
def test_a_folder_that_takes_nothing(run, picture, folder, unloaded, arguments, hint):
    (folder / "other.png").write_bytes(picture.read_bytes())
    seen = run(*arguments)
    assert (seen.code, seen.err.count("\n")) == (2, 1), seen
    assert f"Invalid value for {hint}: cannot write '{NOT_WRITABLE}" in seen.err


def test_the_registry_takes_nothing(run, own_network, folder, unloaded, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", NOT_WRITABLE)
    monkeypatch.setattr("pydream.formats.caffe.pack", None)  # nothing is read
    seen = run("models", "add", "mine", "own.prototxt", "own.caffemodel")
    assert (seen.code, seen.err.count("\n")) == (1, 1), seen
    assert f"cannot write '{NOT_WRITABLE}/pydream/models/mine': " in seen.err


def test_a_folder_is_not_left_behind(run, picture, folder):
    """That a run made, and wrote nothing into."""
    assert run("zoom", "in.png", "-o", "a/b/out", "-l", "no_such_layer", *SHORT).code == 2
    assert os.listdir(folder) == ["in.png"]


def test_terms_that_no_record_holds(run, picture, folder, monkeypatch):
    """Of 450 channels before the network is loaded; what hangs on its layers before the dream."""
    channels = [word for number in range(450) for word in ("-l", f"fire8/concat:{number}=0.5")]
    with monkeypatch.context() as patch:
        patch.setattr("pydream.easy.preparation.load_net", None)
        seen = run("dream", "in.png", "-o", "out.png", *channels, *SHORT)
    assert seen.code == 2
    assert "Invalid value for '--layer': 450 terms do not fit into the file's record of 60000 characters" in seen.err
    monkeypatch.setattr("pydream.easy.preparation.follow", None)
    for arguments in (["-l", "fire8/concat:0-499=0.1"] * 14, channels[:840]):
        seen = run("dream", "in.png", "-o", "out.png", *arguments, *SHORT)
        assert seen.code == 2, seen
        assert "characters, of at most 60000: it takes fewer layers and channels" in seen.err
    seen = run("octaves", "in.png", "-o", "out.png", "--title", "é" * 10_000, *SHORT)
    assert (seen.code, "or shorter texts" in seen.err) == (2, True), seen
    assert os.listdir(folder) == ["in.png"]


def test_as_many_terms_as_fit(run, picture, folder):
    """The estimate is no more than what is written."""
    channels = [word for number in range(380) for word in ("-l", f"fire8/concat:{number}=0.5")]
    assert run("dream", "in.png", "-o", "out.png", *channels, *SHORT, "--octaves", "1", "-q").code == 0
    assert len(read_note("out.png")) > LONGEST_NOTE - 6000
