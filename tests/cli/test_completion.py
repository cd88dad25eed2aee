"""TAB: in real shells, in this process, without TensorFlow, and in silence where something is wrong."""

import os
import shutil
import subprocess
import sys

import pytest

from pydream.cli import COMMANDS, main, shells
from pydream.record.presets import PRESETS

EVIL = '$(touch pwned) \\"; touch `pwned`'
QUOTED = EVIL.replace("\\", "\\\\").replace('"', '\\"')
NETWORK = f"""name: "evil"
input: "data" input_dim: 1 input_dim: 3 input_dim: 32 input_dim: 32
layer {{ name: "good/one" type: "Convolution" bottom: "data" top: "good/one"
  convolution_param {{ num_output: 4 kernel_size: 3 }} }}
layer {{ name: "b" type: "Convolution" bottom: "good/one" top: "{QUOTED}"
  convolution_param {{ num_output: 4 kernel_size: 3 }} }}
layer {{ name: "c" type: "Convolution" bottom: "good/one" top: "new\\nline"
  convolution_param {{ num_output: 4 kernel_size: 3 }} }}
"""


@pytest.fixture
def network(folder):
    """A prototxt with names that no shell may run."""
    (folder / "evil.prototxt").write_text(NETWORK)
    return folder


@pytest.fixture
def ask(folder, monkeypatch):
    """Ask for what a word may become: values with their kinds, and what is said of them."""

    def ask(line):
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv(shells.COMPLETION_VARIABLE, "zsh_complete")
        rows = [row.split("\t") for row in shells.completed(main).splitlines()]
        return {value if kind == "plain" else kind: about for kind, value, about in rows}

    return ask


def test_commands(ask):
    assert list(ask("pydream ")) == COMMANDS
    assert ask("pydream dre") == {"dream": "Dream on pictures."}
    assert list(ask("pydream models f")) == ["fetch"]
    assert list(ask("pydream completion ")) == ["bash", "zsh", "fish"]


def test_options(ask):
    found = ask("pydream dream --la")
    assert list(found) == ["--layer", "--laplacian"]
    assert found["--layer"].startswith("Layer, see")
    assert "--octave-sizes" in ask("pydream dream sky.jpg --")  # an expert's


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("pydream dream -m squ", {"file", "squeezenet_v1.1"}),
        ("pydream layers inception5", {"file", "inception5h"}),
        ("pydream models fetch bvlc_g", {"bvlc_googlenet"}),
        ("pydream dream -l fire9/c", {"fire9/concat"}),
        ("pydream dream --layer=fire9/c", {"fire9/concat"}),
        ("pydream dream -m bvlc_googlenet -l inception_4c/o", {"inception_4c/output"}),
        ("pydream grid sky.jpg --model bvlc_alexnet --layer conv5", {"conv5"}),
        ("pydream visualize -l fire9/c", {"fire9/concat"}),
        ("pydream dream --also bvlc_googlenet:inception_4c/o", {"bvlc_googlenet:inception_4c/output"}),
        ("pydream dream --also bvlc_g", {"file", "bvlc_googlenet"}),
        ("pydream dream --class flam", {"flamingo"}),
        ("pydream dream --class 'great wh", {"great white shark"}),
        ("pydream dream --class great\\ wh", {"great white shark"}),
        ("pydream visualize --renderer mac", {"maco"}),
        ("pydream dream --runtime nat", {"native"}),
        ("pydream dream --guide ", {"file"}),
        ("pydream dream ", {"file"}),
        ("pydream dream sky.jpg -o ", {"file"}),
        ("pydream dream --mean ", {"file"}),
        ("pydream video ", {"file"}),
        ("pydream channels --pictures ", {"dir"}),
        ("pydream dream --color-correlations ", {"dir"}),
        ("pydream visualize --natural ", {"dir"}),
        ("pydream dream sky.jpg --seed ", set()),
        ("pydream nothing ", set()),
    ],
)  # fmt: skip
def test_values(ask, line, some):
    if line == "pydream nothing ":
        with pytest.raises(Exception, match="no command"):
            ask(line)
    else:
        assert set(ask(line)) == some


def test_presets(ask):
    assert ask("pydream dream --preset ") == {preset.name: preset.about for preset in PRESETS.values()}
    preset = next(each for each in PRESETS.values() if each.network == "bvlc_googlenet" and each.layers)
    assert preset.layers[0].partition(":")[0] in ask(f"pydream dream --preset {preset.name} --layer inception")
    assert "fire9/concat" in ask(f"pydream dream --preset {preset.name} -m squeezenet_v1.1 --layer ")


def test_what_cannot_be_dreamt_with_is_left_out(ask):
    layers = ask("pydream dream -l ")
    assert "conv1" in layers
    assert "data" not in layers


def test_networks_of_files(network, ask):
    found = ask("pydream dream -m evil.prototxt -l ")
    assert list(found) == ["good/one", EVIL]  # and not what has two lines


def test_a_title_is_a_line(ask, folder, monkeypatch):
    """What stands in a network's README goes to a terminal, and may add no row."""
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    own = folder / "pydream" / "models" / "mine"
    own.mkdir(parents=True)
    title = r'"red \e[31m\nplain\tother\t"'
    facts = "weights: a.onnx\nurls: []\nlicense: MIT\nmean: [0, 0, 0]\nchannel_order: RGB\ndefault_layer: a"
    (own / "README.md").write_text(f"---\nname: mine\ntitle: {title}\n{facts}\n---\n")
    assert ask("pydream models path min") == {"mine": r"red \x1b[31m\nplain\tother\t"}


def test_no_pictures_are_read(ask, folder):
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_bytes(b"no picture")
    some = ask("pydream visualize --natural pictures --magnitudes pictures --color-correlations pictures -l fire9/c")
    assert list(some) == ["fire9/concat"]


def test_silence(network, root):
    """Nothing but the answer reaches the shell, and no error; TensorFlow is not imported."""
    for name in ("a.keras", "b.pb", "c.onnx", "d.caffemodel", "e.prototxt", "f.h5"):
        (network / name).write_bytes(b"layer {" if name == "e.prototxt" else b"\x89HDF broken")
    lines = [f"pydream dream -m {path.name} -l " for path in sorted(network.glob("?.*"))]
    program = (
        "import os, sys\n"
        "from contextlib import suppress\n"
        "from pydream.cli import main, shells\n"
        f"for line in {[*lines, 'pydream dream -l fire9/c', 'pydream dream --class flam']}:\n"
        "    os.environ['COMP_WORDS'] = line\n"
        "    with suppress(Exception):\n"
        "        sys.stderr.write(shells.completed(main))\n"
        "print('tensorflow' in sys.modules)\n"
        "os.environ['COMP_WORDS'] = 'pydream dream -m e.prototxt -l '\n"
        "main()\n"
    )
    env = os.environ | {"PYTHONPATH": str(root), shells.COMPLETION_VARIABLE: "zsh_complete"}
    done = subprocess.run([sys.executable, "-c", program], env=env, cwd=network, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout == "False\n"
    assert done.stderr == "plain\tfire9/concat\t\nplain\tflamingo\t\n"


def test_a_shell_does_not_wait_long():
    program = (
        "import os, time\n"
        "from pydream.cli import main, shells\n"
        "shells._AT_MOST, shells.completed = 0.1, lambda group: time.sleep(50)\n"
        "shells.answer(main)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=40)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_unknown_shell(monkeypatch):
    monkeypatch.setenv(shells.COMPLETION_VARIABLE, "tcsh_complete")
    assert shells.completed(main) == ""


@pytest.mark.parametrize(
    ("before", "word", "value"),  # what bash leaves as it is, what it replaces, and with what
    [
        ("-l ", "fire9/c", "fire9/concat"),
        ("--layer=", "fire9/c", "fire9/concat"),
        ("", "--layer=fire9/c", "--layer=fire9/concat"),  # npm's completion takes = out of COMP_WORDBREAKS
        ("--also squeezenet_v1.1:", "fire9/c", "fire9/concat"),  # bash has another word behind a colon
        ("--also=squeezenet_v1.1:", "fire9/c", "fire9/concat"),
        ("--also=", "squeezenet_v1.1:fire9/c", "squeezenet_v1.1:fire9/concat"),
        ("--also 'squeezenet_v1.1:", "fire9/c", "fire9/concat"),
        ("--also '", "squeezenet_v1.1:fire9/c", "squeezenet_v1.1:fire9/concat"),
        ("--class ", "great\\ w", "great\\ white\\ shark"),
        ("--class '", "great w", "great white shark"),
        ('--class "', "great w", "great white shark"),
        ("'", "--class=great w", "--class=great white shark"),
        ("-m evil.prototxt -l '", "$(", EVIL),
        ('-m evil.prototxt -l "', "$(", None),  # there it would be run
    ],
)
def test_words_of_bash(network, monkeypatch, before, word, value):
    monkeypatch.setenv("COMP_WORDS", f"pydream dream {before}{word}")
    monkeypatch.setenv("COMP_WORD", word)
    monkeypatch.setenv(shells.COMPLETION_VARIABLE, "bash_complete")
    rows = shells.completed(main).split("\n")
    assert [row.split("\t")[1] for row in rows if row] == ([] if value is None else [value])


# ---- real shells ----

LINES = {  # what is typed before TAB, and the words that the shell then has
    "pydream dre": ["pydream", "dream"],
    "~/bin/pydream dre": ["dream"],
    "pydream dream --layer=fire9/c": ["pydream", "dream", "--layer=fire9/concat"],
    "pydream dream -m evil.prototxt -l \\$": ["pydream", "dream", "-m", "evil.prototxt", "-l", EVIL],
    "pydream dream -g ph": ["pydream", "dream", "-g", "photo.jpg"],
    "pydream dream --also=squeezenet_v1.1:fire9/c": ["pydream", "dream", "--also=squeezenet_v1.1:fire9/concat"],
}
START = {
    "bash": (["--norc", "--noprofile", "-i"], "bind 'set enable-bracketed-paste off'; set +o history; . ./script"),
    "zsh": (  # as its help has it: a file in a folder of fpath, which is read at the first TAB
        ["-f", "-i"],
        "unset zle_bracketed_paste; mkdir zfunc && cp script zfunc/_pydream && fpath=($PWD/zfunc $fpath);"
        " autoload -Uz compinit && compinit -u -D",
    ),
}


@pytest.fixture
def typed(network, root, run, monkeypatch, request):
    """A folder with a script of a shell, and the environment in which the shell finds this pydream."""
    shell = request.node.callspec.params["shell"]
    if shutil.which(shell) is None:
        pytest.skip(f"NOT PROVEN HERE: {shell} is not installed")
    (network / "script").write_text(run("completion", shell).out)
    (network / "photo.jpg").touch()
    program = network / "bin" / "pydream"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pydream "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {
        "PATH": path,
        "PYTHONPATH": str(root),
        "TERM": "dumb",
        "HOME": str(network),
        "LC_ALL": "C.UTF-8",
    }


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab(shell, typed, network):
    """A shell at a terminal: a line, TAB, and then `printf` before the line shows the words that it became."""
    pexpect = pytest.importorskip("pexpect", reason="NOT PROVEN HERE: pexpect is not installed")
    words, start = START[shell]
    with pexpect.spawn(shell, words, env=typed, cwd=network, encoding="utf-8", timeout=60, dimensions=(24, 500)) as tty:
        tty.sendline(f"{start}; PS1=; echo begun''ready")
        tty.expect("begunready")
        for line, expected in LINES.items():
            tty.send(f"{line}\t\x01printf '<%s>' \r")
            tty.expect_exact("".join(f"<{word}>" for word in expected))
        tty.sendline("exit")
    assert not (network / "pwned").exists()


@pytest.mark.parametrize("shell", ["fish"])
def test_fish(shell, typed, network):
    """By fish's own function; fish puts what it finds into the line in quotes."""
    lines = {**LINES, "pydream dream --class great\\ wh": ["great white shark"]}
    script = "source script; for line in $argv; complete -C $line; echo; end"
    run = subprocess.run(
        [shell, "--no-config", "-c", script, *lines], env=typed, cwd=network, capture_output=True, text=True
    )
    assert run.stderr == ""
    found = [row.partition("\t")[0] for row in run.stdout.splitlines() if row]
    assert found == [words[-1] for words in lines.values()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_well_formed(shell, typed, network):
    check = ["--no-execute"] if shell == "fish" else ["-n"]
    run = subprocess.run([shell, *check, "script"], cwd=network, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_another_shell_is_refused(refused):
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in refused(2, "completion", "tcsh")
