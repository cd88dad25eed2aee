"""An option has one type and one meaning in all commands, and its help can be read alone."""

import re
from collections import defaultdict

import click
import pytest

from pydream.cli import COMMANDS, main
from pydream.cli.help import EXPERT, HEADINGS, long_name

# Option and command, None for all of them, with what may differ there and why.
EXCEPTIONS = {
    ("output", None): "type, help: every command names the files that it can write",
    ("layer", "visualize"): "type: one layer and its channels, checked before the network is loaded",
    ("layer", "channels"): "type: as for visualize",
    ("layer", "reproduce"): "type: a layer for each of the results",
    ("layer", "export"): "type: as for visualize",
    ("octaves", "reproduce"): "type: a number, the notebook's; no picture's size decides",
    ("octaves", "visualize"): "type: a number, as the tutorial's renderers take it",
    ("octaves", "channels"): "type: as for visualize",
    ("octaves", "grid"): "type: a number, of sizes of a cell",
    ("frames", "reproduce"): "type: 0 leaves the loop out",
    ("step-size", "zoom"): "type: keyframes too, for a loop's frames",
    ("octaves", "zoom"): "type: as for --step-size",
    ("blend", "zoom"): "type: as for --step-size",
    ("guide", "replay"): "help: the picture's record has the guide, unless the file moved",
    ("mask", "replay"): "help: as for --guide",
    ("weights", "vectors"): "type, help: the built-in network's are written, not a file's read",
    ("model", "replay"): "help: the picture's record has the network",
    ("also", "replay"): "type, help: as for --model",
}


def walk(group=main, path=()):
    """Yield every command with its name, subcommands and groups included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield " ".join([*path, name]), command
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))


EVERY = dict(walk())
OPTIONS = [
    (name, param)
    for name, command in EVERY.items()
    for param in command.get_params(click.Context(command))
    if isinstance(param, click.Option)
]


def meaning(option):
    """Return the help without the default, which may be another in each command."""
    return re.sub(r"  \[default: .*\]$", "", option.help)


def kind(option):
    return option.is_flag, option.type.to_info_dict()


@pytest.mark.parametrize(("what", "of"), [("help", meaning), ("type", kind)])
def test_an_option_has_one_meaning(what, of):
    found, used = defaultdict(list), set()
    for command, option in OPTIONS:
        name = long_name(option)
        for exception in ((name, command), (name, None)):
            if what in EXCEPTIONS.get(exception, "").partition(":")[0].split(", "):
                used.add(exception)
                break
        else:
            if of(option) not in found[name]:
                found[name].append(of(option))
    assert {name: several for name, several in found.items() if len(several) > 1} == {}
    assert used == {key for key, reason in EXCEPTIONS.items() if what in reason.partition(":")[0].split(", ")}


def test_a_letter_is_one_option_and_an_option_has_one_letter():
    longs, letters = defaultdict(set), defaultdict(set)
    for _, option in OPTIONS:
        for letter in option.opts:
            if not letter.startswith("--"):
                longs[letter].add(long_name(option))
                letters[long_name(option)].add(letter)
        assert sum(name.startswith("--") for name in option.opts) == 1, option.opts
    assert all(len(names) == 1 for names in [*longs.values(), *letters.values()])
    without = {long_name(option) for _, option in OPTIONS if len(option.opts) == 1}
    assert without.isdisjoint(letters)


def test_arguments():
    found = defaultdict(set)
    for name, command in EVERY.items():
        for param in command.params:
            if isinstance(param, click.Argument):
                found[param.name].add(name)
    figures = {
        "classify",
        "looks",
        "sweep",
        "grid",
        "atlas",
        "octaves",
        "history",
        "visualize",
        "channels",
        "reproduce",
    }
    dreams = {"dream", "zoom", "video", *figures}
    networks = {"models add", "models fetch", "models info", "models path", "models remove", "models verify"}
    # The INPUT of the picture that is replayed is --input.
    files = {"files": {"models add"}, "network": {"layers"}, "shell": {"completion"}}
    assert found == {"input": dreams, "picture": {"replay", "studio"}, "name": networks, **files}


def test_help_is_a_noun_phrase():
    for command, option in OPTIONS:
        text = meaning(option)
        assert text[0].isupper() or text.startswith("float64"), (command, text)
        assert text.endswith("."), (command, text)
        assert not re.match(r"(Of|That|From|Which|Who|Whose|How|Its|To|Where|With)\b", text), (command, text)


def test_every_option_is_in_the_list():
    listed = [name for names in HEADINGS.values() for name in names.split()]
    assert len(set(listed)) == len(listed)
    assert set(listed) == {long_name(option) for _, option in OPTIONS}
    assert set(listed) > EXPERT


@pytest.mark.parametrize("name", [name for name, command in EVERY.items() if not isinstance(command, click.Group)])
def test_help(run, name):
    options = {f"--{long_name(option)}" for command, option in OPTIONS if command == name}
    experts = options & {f"--{each}" for each in EXPERT} if "--help-all" in options else set()
    short = run(*name.split(), "--help")
    assert short.code == 0
    assert set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", short.out, re.MULTILINE)) == options - experts
    if experts:
        in_full = run(*name.split(), "--help-all")
        assert in_full.code == 0
        assert set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", in_full.out, re.MULTILINE)) == options


def test_help_of_dream_fits_two_screens(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("dream", "--help").out.splitlines()
    assert len(lines) <= 2 * 24
    assert max(map(len, lines)) <= 80
    headings = [line[:-1] for line in lines if re.match(r"\w.*:$", line)]
    assert headings == [
        "Output", "Dream of", "Steps", "Look", "Exactness", "Network", "Size", "General"
    ]  # fmt: skip


def test_help_of_the_group_has_the_commands_first(run):
    out = run("--help").out
    assert out.index("\nDream:\n  dream ") < out.index("\nOptions:\n")
    assert [line.split()[0] for line in out.splitlines() if line.startswith("  ") and line.split()[0] in COMMANDS] == [
        *COMMANDS
    ]


def test_exact_is_the_name_of_float64(run, refused, picture):
    quick = ["--layer", "fire2/concat", "--octaves", "1", "-n", "1", "--seed", "3"]
    assert run("dream", picture.name, "-o", "a.png", "--exact", *quick).code == 0
    assert run("dream", picture.name, "-o", "b.png", "--dtype", "float64", *quick).code == 0
    assert (picture.parent / "a.png").read_bytes() == (picture.parent / "b.png").read_bytes()
    line = refused(2, "dream", picture.name, "-o", "c.png", "--exact", "--dtype", "float32", *quick)
    assert "'--dtype': float32 contradicts --exact" in line


@pytest.mark.parametrize("size", ["9x", "x", "", "0x4", "640x480x3"])
def test_noise_of_no_size(refused, folder, size):
    line = refused(2, "dream", f"noise:{size}", "-o", "out.png")
    assert f"{size!r} is not a size (expected WIDTHxHEIGHT, e.g. 640x480)" in line
