"""Names that are not UTF-8, the locale C, and names that a terminal would obey."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pydream
from pydream.media.image import read_note
from pydream.media.video import read_comment
from pydream.record.film import load as load_film
from pydream.record.loop import load as load_loop
from pydream.record.provenance import parse
from pydream.zoo.registry import find_network

SHORT = ["-n", "1", "--octaves", "1", "--jitter", "2", "--seed", "1", "--runtime", "numpy"]
BYTES = os.fsdecode(b"\xff")
# A title for the terminal, a bidirectional override, a byte that is no UTF-8, and a line that pydream might print.
EVIL = f"\x1b]0;title\x07\u202e{BYTES}\nwrote 'y'"
LAYER = EVIL.replace(BYTES, "")  # names in networks are UTF-8


def write_network(name, layer):
    """Write a network of two layers that look at nothing, `layer` and then ``last``."""
    quoted = "".join(f"\\{byte:03o}" for byte in layer.encode())
    definition = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 32 input_dim: 32 '
    for bottom, top in (("data", quoted), (quoted, "last")):
        definition += f'layer {{ name: "{top}" type: "ReLU" bottom: "{bottom}" top: "{top}" }} '
    Path(f"{name}.prototxt").write_text(f'name: "{quoted}" {definition}', encoding="utf-8")
    weights = b""
    for each in (layer.encode(), b"last"):
        message = b"\x0a" + bytes([len(each)]) + each + b"\x12\x04ReLU"
        weights += b"\xa2\x06" + bytes([len(message)]) + message
    Path(f"{name}.caffemodel").write_bytes(weights)
    return ["--model", f"{name}.prototxt", "--weights", f"{name}.caffemodel"]


# ---- names that are not UTF-8 ----


@pytest.fixture
def odd(run, folder, draw):
    """A folder, a picture and a network with the same name, and the options of a short dream."""
    (folder / BYTES).mkdir()
    os.chdir(BYTES)
    draw(Path(f"{BYTES}.png"), 40, 48)
    return [*write_network(BYTES, "é"), "--layer", "é", *SHORT]


def test_a_dream_and_its_replay(run, odd):
    for name in (f"d{BYTES}.png", f"d{BYTES}.jpg", f"d{BYTES}.tif"):
        dream = ["dream", f"{BYTES}.png", "-o", name, *odd, "--sidecar", "--guide", f"{BYTES}.png"]
        assert run(*dream).code == 0
        note = read_note(name)
        assert note.isascii()
        assert parse(note).input.name == parse(note).guide.name == f"{BYTES}.png"
        assert json.loads(note)["input"]["name"] == "\0dcff.png"
        for picture in (name, f"{name}.json"):
            seen = run("replay", picture, *odd[:4], "-q")
            assert (seen.code, seen.err) == (0, ""), seen
    # the command in it is one that a shell runs
    shell = ["bash", "-c", json.loads(note)["command"].replace("pydream", '"$PYDREAM" -m pydream', 1)]
    env = {**os.environ, "PYTHONPATH": str(Path(pydream.__file__).parents[1]), "PYDREAM": sys.executable}
    assert subprocess.run(shell, env=env, check=False).returncode == 0
    assert Path("dream.tif").read_bytes() == Path(name).read_bytes()


def test_a_loop_is_resumed(run, odd):
    zoom = ["zoom", f"{BYTES}.png", "-o", f"z{BYTES}", "-o", f"z{BYTES}.gif", *odd, "-q"]
    assert run(*zoom, "--frames", "2").code == 0
    assert load_loop(f"z{BYTES}/resume.npz").loop.input.name == f"{BYTES}.png"
    seen = run(*zoom, "--frames", "3", "--resume")
    assert (seen.code, seen.err) == (0, "")
    assert parse(read_comment(Path(f"z{BYTES}.gif"))).network.weights == f"{BYTES}.caffemodel"
    assert run("replay", f"z{BYTES}.gif", *odd[:4], "-q").out.startswith("identical")


def test_a_film_is_resumed(run, odd, monkeypatch):
    assert run("zoom", f"{BYTES}.png", "-o", f"{BYTES}.mp4", "--frames", "2", *odd).code == 0
    video = ["video", f"{BYTES}.mp4", "-o", f"v{BYTES}.mp4", *odd, "-q"]
    with monkeypatch.context() as patch:
        patch.setattr("pydream.media.video.write_video", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert run(*video).code == 130
    assert load_film(f"v{BYTES}.mp4.frames/film.json").input.name == f"{BYTES}.mp4"
    seen = run(*video, "--resume")
    assert (seen.code, seen.err) == (0, "")
    assert json.loads(read_comment(Path(f"v{BYTES}.mp4")))["input"]["name"] == "\0dcff.mp4"


def test_figures_and_networks_of_ones_own(run, odd, monkeypatch):
    for figure in ("octaves", "history"):
        made = ["-o", f"{figure}{BYTES}.png", "--dpi", "50", "--title", BYTES]
        assert run(figure, f"{BYTES}.png", *made, *odd).code == 0
    run("sweep", f"{BYTES}.png", "-o", f"s{BYTES}.png", *odd[:4], *SHORT, "--dpi", "50", "--pictures", f"p{BYTES}")
    assert sorted(os.listdir(f"p{BYTES}")) == ["001--.prototxt-é.png", "002--.prototxt-last.png"]
    monkeypatch.setenv("XDG_DATA_HOME", os.path.abspath(f"data{BYTES}"))
    seen = run("models", "add", "mine", *odd[1:4:2], "--description", f"of {BYTES}", "--layer", "é")
    assert seen.code == 0, seen
    assert find_network("mine").title == f"of {BYTES}"
    assert Path(f"data{BYTES}/pydream/models/mine/README.md").read_text(encoding="utf-8").endswith("# of \\udcff\n")
    assert "mine: of \\udcff\n" in run("models").out
    assert run("dream", f"{BYTES}.png", "-o", "m.png", "-m", "mine", *SHORT).code == 0
    assert run("replay", "m.png", "-q").code == 0


def test_a_folder_is_printed_in_its_bytes_for_programs(folder, monkeypatch, capfdbinary):
    monkeypatch.setenv("XDG_CACHE_HOME", f"/x{BYTES}")
    with pytest.raises(SystemExit):
        pydream.cli.main(["models", "path", "bvlc_googlenet"])
    assert capfdbinary.readouterr().out == b"/x\xff/pydream/models/bvlc_googlenet.caffemodel\n"


IN_C = """
import os, sys
from pydream.cli import main
assert sys.getfilesystemencoding() == "ascii", sys.getfilesystemencoding()
codes = []
for line in sys.stdin.buffer.read().split(b"\\n"):
    try:
        main([os.fsdecode(word) for word in line.split()], prog_name="pydream")
    except SystemExit as ended:
        codes.append(ended.code or 0)
print(codes)
"""


def test_the_locale_c(run, folder, draw):
    draw(folder / "é.png", 40, 48)
    options = [*write_network("ö", "é"), "--layer", "é", *SHORT]
    dream = ["dream", "é.png", *options, "-o"]
    zoom = ["zoom", "é.png", *options, "-o"]
    assert run(*dream, "whole.png").code == 0
    assert run(*zoom, "whole", "--frames", "3").code == 0
    draw(folder / os.fsdecode(b"\xff\xc3\xa9.png"), 40, 48)
    lines = [
        [*dream, "ü.png", "--guide", os.fsdecode(b"\xff\xc3\xa9.png")],
        ["replay", "ü.png", *options[:4]],
        [*dream, "c.png"],
        ["replay", "c.png", *options[:4]],
        [*zoom, "loop", "--frames", "2"],
        [*zoom, "loop", "--frames", "3", "--resume"],
        ["octaves", "é.png", *options, "-o", "é-octaves.png", "--title", "ä"],
        ["models", "add", "mine", "ö.prototxt", "ö.caffemodel", "--description", "ä"],
        ["models"],
        ["layers", "-m", "ö.prototxt"],
        ["--help"],
        ["dream", "ß.png", "-o", "x.png"],
    ]
    seen = subprocess.run(
        [sys.executable, "-c", IN_C],
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        | {"PYTHONPATH": str(Path(pydream.__file__).parents[1])},
        input=b"\n".join(b" ".join(map(os.fsencode, line)) for line in lines),
        capture_output=True,
        check=False,
    )
    assert seen.stdout.decode().endswith("[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]\n"), seen
    # what was made there is what is made here, to the byte of the account
    assert Path("c.png").read_bytes() == Path("whole.png").read_bytes()
    for frame in range(3):
        assert Path(f"loop/{frame:08d}.png").read_bytes() == Path(f"whole/{frame:08d}.png").read_bytes()
    assert run("replay", "ü.png", *options[:4], "-q").out.startswith("identical")
    assert find_network("mine").title == "ä"


def test_a_record_with_a_name_that_no_file_has(run, odd):
    assert run("dream", f"{BYTES}.png", "-o", "d.png", *odd, "--sidecar").code == 0
    for name in ("\0d800.png", "\0" + "0000.png", "\0d800\0dcff"):
        said = json.loads(Path("d.png.json").read_text(encoding="ascii"))
        said["input"]["name"] = name
        Path("d.json").write_text(json.dumps(said), encoding="ascii")
        seen = run("replay", "d.json", *odd[:4])
        assert seen.code == 1, seen
        assert "with the same pixels (48x40) beside the picture or here" in seen.err


# ---- names that a terminal would obey ----


@pytest.fixture
def evil(folder, draw):
    draw(Path(f"{EVIL}.png"), 40, 48)
    Path(f"bad{EVIL}.png").write_text("no picture", encoding="utf-8")
    Path(f"bad{EVIL}.prototxt").write_text(f'name: "{EVIL!a}" layer {{ what: 1 }}', encoding="utf-8")
    return write_network(EVIL, LAYER)


HARMLESS = {
    "presets": [[], ["--json"]],
    "completion": [[EVIL], ["bash"]],
    "selftest": [[EVIL]],
    "studio": [[f"no{EVIL}.png"], ["-m", f"no{EVIL}"], ["--host", EVIL], ["--host", EVIL, "--allow-remote"]],
    "vectors": [["-o", "."]],  # is not empty
    "export": [
        ["-o", f"{EVIL}.onnx", "-l", "fire2/concat"],
        ["-o", f"no{EVIL}/x.onnx"],
        ["-o", "x.onnx", "-l", f"no{EVIL}"],
        ["-o", "x.onnx", "-m", f"no{EVIL}"],
        ["-o", "x.onnx", "--channels", EVIL],
    ],
    "bench": [["-m", f"no{EVIL}"], ["--plot", f"{EVIL}.xyz"]],
    "reproduce": [[f"no{EVIL}.png", "-o", f"r{EVIL}"], ["-o", "r", "-m", EVIL]],
}


def everything(network):
    """Return lines of all commands, with strangers' names in all places: those that work, and those that do not."""
    picture, dream = f"{EVIL}.png", [*network, "--layer", LAYER, *SHORT]
    figure = [picture, *dream, "--dpi", "50", "-o"]
    unknown = [*network, "--layer", f"no{EVIL}", *SHORT]
    rendering = [picture, *network, "-n", "1", "--runtime", "numpy", "--seed", "1", "-o"]
    return {
        "dream": [
            [picture, *dream, "-o", f"d{EVIL}.png", "--guide", picture, "--mask", picture],
            [".", *dream, "-o", f"d{EVIL}/"],
            [".", *dream, "-o", f"d{EVIL}/"],
            [picture, *dream, "-o", f"d{EVIL}.xyz"],
            [picture, *dream, "-o", f"no{EVIL}/d.png"],
            [f"no{EVIL}.png", *dream, "-o", "d.png"],
            [f"bad{EVIL}.png", *dream, "-o", "d.png", "--debug"],
            [picture, *unknown, "-o", "d.png"],
            [picture, "-o", "d.png", f"--no{EVIL}"],
            [picture, "-o", "d.png", "--seed", EVIL],
            [picture, "-o", "d.png", "--class", EVIL],
        ],
        "replay": [
            [f"d{EVIL}.png", *network],
            [f"d{EVIL}.png"],
            [picture],
            [f"d{EVIL}.png", *network, "--input", f"bad{EVIL}.png"],
        ],
        "zoom": [
            [picture, *dream, "-o", f"z{EVIL}", "-o", f"z{EVIL}.mp4", "--frames", "2"],
            [picture, *dream, "-o", f"z{EVIL}", "--frames", "3", "--resume"],
            [picture, *dream, "-o", f"z{EVIL}", "--frames", "3"],
        ],
        "video": [[f"z{EVIL}.mp4", *dream, "-o", f"v{EVIL}.mp4"], [f"bad{EVIL}.png", *dream, "-o", f"v{EVIL}.mp4"]],
        "visualize": [[*rendering, f"vis{EVIL}.png", "--layer", "last:0"], [*rendering, "v.png", "--layer", EVIL]],
        "channels": [
            [*rendering, f"c{EVIL}.png", "--layer", "last", "--dpi", "50", "--pictures", f"p{EVIL}", "--title", EVIL]
        ],
        "atlas": [
            [
                *[picture, *network, "--layer", LAYER, "--side", "1", "-n", "1", "--cell", "32"],
                *["--runtime", "numpy", "--seed", "1", "--title", EVIL, "--pictures", f"a{EVIL}"],
                *["-o", f"a{EVIL}.html"],
            ],
            [picture, f"bad{EVIL}.png", *network, "--layer", LAYER, "--side", "1", "-n", "1", "--cell", "32"],
            [f"no{EVIL}.png"],
        ],
        "sweep": [
            [picture, *network, *SHORT, "--dpi", "50", "-o", f"s{EVIL}.png", "--pictures", f"s{EVIL}"],
            [picture, *unknown, "-o", "s.png"],
        ],
        "looks": [
            [picture, "--preset", "strokes", "--long-side", "32", "--runtime", "numpy", "-o", f"l{EVIL}.html"],
            [picture, "--preset", f"no{EVIL}"],
            [f"bad{EVIL}.png"],
        ],
        "classify": [
            [picture, "--dream", "--runtime", "numpy", *SHORT, "--dpi", "50", "-o", f"k{EVIL}.png", "--title", EVIL],
            [picture, f"bad{EVIL}.png", "--runtime", "numpy"],
            [picture, *network],
            [f"no{EVIL}.png"],
        ],
        "grid": [[*rendering, f"g{EVIL}.png", "--layer", LAYER, "--octaves", "1", "--cell", "8", "--size", "9x8"]],
        "octaves": [[*figure, f"o{EVIL}.png"]],
        "history": [[*figure, f"h{EVIL}.png"]],
        "models": [
            ["add", "evil", *network[1::2], "--description", EVIL],
            ["add", "bad", f"bad{EVIL}.prototxt", f"{EVIL}.caffemodel"],
            ["add", EVIL, *network[1::2]],
            [],
            ["info", "evil"],
            ["verify"],
            ["path", EVIL],
            ["fetch", EVIL],
            [f"no{EVIL}"],
        ],
        "layers": [
            ["-m", network[1]],
            ["-m", network[1], "--json"],
            ["-m", network[1], f"--check-weights={network[3]}"],
            ["-m", network[1], "--like", f"no{EVIL}"],
            ["-m", f"bad{EVIL}.prototxt"],
        ],
        **HARMLESS,
    }


def test_no_name_reaches_the_terminal_as_it_is(run, evil):
    lines = everything(evil)
    assert set(lines) == set(pydream.cli.COMMANDS)
    for command, each in lines.items():
        for args in each:
            seen = run(command, *args)
            shown = seen.out + seen.err
            assert all(c.isprintable() or c == "\n" for c in shown), ascii(shown)
            assert not any(line.startswith("wrote 'y") for line in shown.splitlines()), shown
            assert seen.code in (0, 1, 2)
            # the first of each is one that works
            assert seen.code == 0 or args is not each[0] or command in HARMLESS, seen
    seen = run(f"no{EVIL}")
    assert seen.err.isprintable() or seen.err.count("\n") == 1


def test_a_damaged_entry_of_the_registry(run, folder, evil, monkeypatch):
    readme = folder / "data/pydream/models/evil/README.md"
    readme.parent.mkdir(parents=True)
    readme.write_text('---\nname: "evil\\e]0;t\\a"\ntitle: "\\nwrote \'y\'"\n---\n', encoding="utf-8")
    for args in ([], ["verify"], ["info", "evil"]):
        seen = run("models", *args)
        shown = seen.out + seen.err
        assert "evil" in shown
        assert all(c.isprintable() or c == "\n" for c in shown), ascii(shown)


def test_only_one_place_prints(root):
    """A line that is printed elsewhere would be printed as it is."""
    for path in (root / "pydream" / "cli").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for word in ("click.echo", "click.secho", "print(", "sys.stderr.write", "sys.stdout.write", "print_exc"):
            assert word not in text, f"{path}: {word}; `echo` of pydream/cli/streams.py prints"
