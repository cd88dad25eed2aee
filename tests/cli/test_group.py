"""The group: help without a heavy import, and every error told the same way."""

import subprocess
import sys

import pytest
from PIL import Image

import pydream.cli
from pydream.cli import COMMANDS


@pytest.mark.parametrize("args", [["--help"], ["--version"], []])
def test_help_imports_neither_numpy_nor_tensorflow(args):
    script = (
        "import sys, atexit\n"
        "heavy = lambda: [m for m in ('numpy', 'scipy', 'PIL', 'tensorflow') if m in sys.modules]\n"
        "atexit.register(lambda: print('imported:', heavy()))\n"
        "from pydream.cli import main\n"
        f"main({args}, prog_name='pydream')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"
    assert done.stderr == ""


def test_python_m_pydream():
    done = subprocess.run([sys.executable, "-m", "pydream", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: pydream ")


@pytest.mark.parametrize("before", ["atexit.register(print, 'before')", ""])
def test_functions_for_the_end_of_the_process_are_called(before):
    """Those of a program around the command too, and what a library registers while it runs."""
    script = (
        f"import atexit\n{before}\n"
        "from pydream import __main__\n"
        "import pydream.cli\n"
        "run = pydream.cli.main\n"
        "pydream.cli.main = lambda **names: (atexit.register(print, 'within'), run(['--version'], **names))\n"
        "__main__.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split()[2:] == ["within", *["before"] * bool(before)]


def test_help_of_the_commands_needs_no_tensorflow():
    script = (
        "import sys\n"
        "from pydream.cli import COMMANDS, main\n"
        "for name in COMMANDS:\n"
        "    try:\n"
        "        main([name, '--help'])\n"
        "    except SystemExit as ended:\n"
        "        assert not ended.code\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)


def test_no_command_is_help(run):
    seen = run()
    assert seen.code == 0
    assert all(f"  {name} " in seen.out for name in COMMANDS)
    assert seen == run("--help")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_an_example(run, name):
    seen = run(name, "--help")
    assert seen.code == 0
    assert seen.out.startswith(f"Usage: pydream {name} ")
    assert f"\n  pydream {name}" in seen.out


def test_version(run):
    seen = run("--version")
    assert seen.code == 0
    assert seen.out.startswith("pydream 0.")


def test_unknown_command(refused):
    assert "no command 'dreem'; close: 'dream'" in refused(2, "dreem")


def test_unknown_option(refused):
    assert "No such option" in refused(2, "--colour")
    assert "see 'pydream models --help'" in refused(2, "models", "--colour")


MEMORY = "the network could not run, most likely for want of memory; a smaller picture needs less"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("step_size is nan"), 2, "step_size is nan"),
        (OSError(28, "No space left on device", "x.png"), 1, "'x.png': No space left on device"),
        (MemoryError(), 1, "not enough memory; a smaller picture needs less"),
        (RuntimeError("first\nsecond"), 1, "RuntimeError: first (--debug shows where)"),
        (RuntimeError(), 1, "RuntimeError: (--debug shows where)"),
        (RuntimeError("Graph execution error:\n\nthe cause\nmore"), 1, "RuntimeError: the cause (--debug shows where)"),
        (type("AbortedError", (Exception,), {})("Graph execution error:"), 1, MEMORY),
        (ValueError("name \x1b[31m in red"), 2, "name \\x1b[31m in red"),
    ],
)
def test_any_error_is_one_line(refused, monkeypatch, error, code, line):
    fail_with(monkeypatch, error)
    assert refused(code, "models") == f"pydream: error: {line}\n"


def test_ctrl_c_anywhere(run, monkeypatch):
    fail_with(monkeypatch, KeyboardInterrupt())
    assert run("models") == (130, "", "pydream: interrupted; nothing was written\n")


@pytest.mark.parametrize("args", [["--debug", "models"], ["models", "--debug"]])
def test_debug_shows_the_traceback(run, monkeypatch, args):
    fail_with(monkeypatch, ValueError("this"))
    seen = run(*args)
    assert seen.code == 2
    assert seen.err.startswith("Traceback (most recent call last):\n")
    assert seen.err.endswith("\nValueError: this\npydream: error: this\n")


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(pydream.cli.Commands.get_command(pydream.cli.main, None, "models"), "callback", fail)


def test_larger_pictures_if_they_are_trusted(run, folder, monkeypatch):
    Image.new("RGB", (30, 20)).save("in.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    dream = ("dream", "in.png", "-o", "out.png", "--layer", "fire2/concat", "--octaves", "1", "--iterations", "1")
    seen = run(*dream)
    assert seen.code == 1
    assert "'in.png' claims more than 500 pixels: too large to read safely; `pydream --max-pixels` allows" in seen.err
    assert run("--max-pixels", "600", *dream).code == 0
    assert Image.MAX_IMAGE_PIXELS == 500
    monkeypatch.setenv("PYDREAM_MAX_PIXELS", "600")
    assert run(*dream, "--seed", "1", "--force").code == 0
    monkeypatch.setenv("PYDREAM_MAX_PIXELS", "many")
    seen = run(*dream)
    assert seen.code == 2
    assert "many" in seen.err
