"""`pydream reproduce`: the results are the library's, compared with the known ones; the report says so."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.interrupting import interrupt_at

import pydream
import pydream.cli.commands.reproduce as module
from pydream.dream.notebook import deepdream
from pydream.dream.objectives import objective_guide
from pydream.dream.zoom import zoom_loop
from pydream.media.image import read_image
from pydream.record.provenance import pixels_sha256, read_provenance
from pydream.reproduce import known
from pydream.reproduce.results import GRID, RESULTS, example
from pydream.table import percentage
from pydream.zoo.load import load_net

SQUEEZENET = ["--model", "squeezenet_v1.1"]
QUICK = [*SQUEEZENET, "--octaves", "2", "--iterations", "1"]
ALL = ["report.html", "report.json", "dream_4c.png", "dream_5x5_reduce.png", "dream_guided.png"]


@pytest.fixture
def pictures(folder, draw):
    return [draw(folder / "in.png", 72, 96), "--guide", draw(folder / "guide.png", 48, 64), "-o", "reproduction"]


def report(folder="reproduction"):
    return json.loads(Path(folder, "report.json").read_text())


def outcomes(seen):
    """The lines of results that are made."""
    return [line for line in seen.err.splitlines() if re.match(r"\S+ \S+: [\d.]+ (s|min)", line)]


def written(folder="reproduction"):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


# ---- what is made ----


def test_the_results_are_the_librarys(run, pictures):
    seen = run("reproduce", *pictures, *QUICK, "--frames", "2", "--seed", "3", "--exact")
    assert (seen.code, seen.out) == (0, ""), seen
    lines = seen.err.splitlines()
    assert lines[0] == "squeezenet_v1.1 on CPU:0, float64, era 2015, seed 3"
    apart = "the nearest known result has another picture, other octaves, another seed"
    assert lines[1] == f"4c, 5x5_reduce, zoom: not compared, {apart}"
    assert lines[2].startswith("guided: not compared, the nearest known result has another picture, another guide, ")
    assert re.fullmatch(r"about \d+ (s|min) for all of it, by the second step", lines[3])
    assert outcomes(seen) == lines[4:-1]
    names = [line.partition(":")[0] for line in outcomes(seen)]
    assert names == ["4c fire8/concat", "5x5_reduce fire5/squeeze1x1", "guided fire5/concat", "zoom fire8/concat"]
    assert lines[-1] == f"wrote '{Path('reproduction', 'report.html')}'"
    assert written() == sorted([*ALL, "frames/00000000.png", "frames/00000001.png"])

    net, sky = load_net("squeezenet_v1.1", dtype="float64"), read_image("in.png")
    quick = {"octave_n": 2, "iter_n": 1, "era": "2015"}
    for key, end in [("4c", "fire8/concat"), ("5x5_reduce", "fire5/squeeze1x1"), ("guided", "fire5/concat")]:
        guide = {"objective": objective_guide(net, read_image("guide.png"), end)} if key == "guided" else {}
        dream = deepdream(net, sky, end=end, rng=np.random.RandomState(3), **quick, **guide)
        np.testing.assert_array_equal(read_image(f"reproduction/dream_{key}.png"), np.uint8(np.clip(dream, 0, 255)))
    for number, frame in enumerate(zoom_loop(net, sky, frames=2, grid=GRID, rng=np.random.RandomState(3), **quick)):
        picture = read_image(f"reproduction/frames/{number:08d}.png")
        np.testing.assert_array_equal(picture, np.uint8(np.clip(frame, 0, 255)))
    for result in report()["results"]:
        picture = read_image(Path("reproduction", result["file"]))
        assert result["pictures"][-1] == pixels_sha256(picture)
        assert pixels_sha256(picture) in Path("reproduction", "report.html").read_text(encoding="utf-8")
    html = Path("reproduction", "report.html").read_text(encoding="utf-8")
    assert html.count('<ol class="shares">') == 5  # of the picture, and of each result
    for name in ("in.png", "reproduction/dream_guided.png"):
        (best,) = pydream.classify(net, name, top=1)
        assert f"<li>{best.name} <b>{percentage(best.probability, 1)}</b>" in html


def test_float32_and_the_modern_era(run, pictures):
    assert run("reproduce", *pictures, *QUICK, "--only", "zoom", "--frames", "2", "--era", "modern").code == 0
    frames = zoom_loop(
        load_net("squeezenet_v1.1"), read_image("in.png"), frames=2, rng=np.random.RandomState(0), octave_n=2, iter_n=1
    )
    for number, frame in enumerate(frames):
        picture = read_image(f"reproduction/frames/{number:08d}.png")
        np.testing.assert_array_equal(picture, np.uint8(np.clip(frame, 0, 255)))
    (zoomed,) = report()["results"]
    assert (zoomed["facts"]["era"], zoomed["facts"]["grid"]) == ("modern", None)
    assert report()["network"]["dtype"] == "float32"


def test_pictures_say_how_they_were_made(run, pictures, folder):
    assert (
        run("reproduce", *pictures, *QUICK, "--frames", "2", "--exact", "--only", "guided", "--only", "zoom").code == 0
    )
    guided = read_provenance("reproduction/dream_guided.png")
    assert (guided.recipe.end, guided.recipe.era, guided.guide.name) == ("fire5/concat", "2015", "guide.png")
    assert guided.command.startswith("pydream reproduce ")
    assert "--only guided --only zoom" in guided.command
    for name in ("report.html", "report.json"):  # the pictures were named with their folder
        text = Path("reproduction", name).read_text(encoding="utf-8")
        assert "pydream reproduce in.png --guide guide.png" in text
        assert folder.name not in text
    frame = read_provenance("reproduction/frames/00000001.png")
    assert (frame.recipe.loop.frame, frame.recipe.grid, frame.guide) == (1, GRID, None)
    again = run("replay", "reproduction/frames/00000001.png", "--input", "in.png", "-o", "again.png")
    assert again.code == 0, again
    np.testing.assert_array_equal(read_image("again.png"), read_image("reproduction/frames/00000001.png"))


@pytest.mark.parametrize("exact", [True, False])
def test_little_memory_makes_tiles(run, pictures, folder, draw, monkeypatch, exact):
    """Decided once a result, and printed; the clock around the network does not hide what it takes."""
    draw(folder / "in.png", 120, 150)
    options = [*QUICK, "--only", "5x5_reduce", "--layer", "5x5_reduce", "fire3/concat", *["--exact"] * exact]
    whole = run("reproduce", *pictures, *options, "-o", "whole")
    assert (whole.code, "tiles" in whole.err) == (0, False), whole
    with monkeypatch.context() as patch:
        patch.setattr("pydream.tiles.fitting.resident_bytes", lambda: 0)
        patch.setattr("pydream.tiles.fitting.OVERHEAD", 0)
        patch.setattr("pydream.tiles.fitting.free_bytes", lambda: 8_000_000)
        tiled = run("reproduce", *pictures, *options, "-o", "tiled")
    assert tiled.code == 0, tiled
    (line,) = [line for line in tiled.err.splitlines() if "tiles" in line]
    assert line.startswith("5x5_reduce: 150x120 in ")
    made = read_provenance("tiled/dream_5x5_reduce.png")
    assert (made.recipe.tile or 0) > 0 if not exact else made.recipe.tile is None
    apart = np.abs(read_image("tiled/dream_5x5_reduce.png").astype(int) - read_image("whole/dream_5x5_reduce.png"))
    assert apart.max() == 0 if exact else apart.mean() < 1
    assert run("replay", "tiled/dream_5x5_reduce.png", "--input", "in.png").out.startswith("identical")


def test_only_and_no_frames(run, pictures):
    assert run("reproduce", *pictures, *QUICK, "--frames", "0", "--only", "4c", "-q", "-o", "out") == (0, "", "")
    assert written("out") == ["dream_4c.png", "report.html", "report.json"]
    assert "flowers" not in Path("out", "report.html").read_text()  # nor the guide that nobody asked for
    seen = run("reproduce", *pictures, *QUICK, "--frames", "0", "--only", "zoom", "-o", "none")
    assert seen.code == 2
    assert "--frames" in seen.err


def test_other_layers(run, pictures):
    layers = ["--layer", "4c", "fire3/concat", "--layer", "guided", "fire4/concat"]
    seen = run("reproduce", *pictures, *QUICK, "--frames", "1", *layers)
    assert seen.code == 0, seen
    found = {result["result"]: result["facts"]["layer"] for result in report()["results"]}
    assert found == {
        "4c": "fire3/concat",
        "5x5_reduce": "fire5/squeeze1x1",
        "guided": "fire4/concat",
        "zoom": "fire3/concat",
    }
    assert "--layer 4c fire3/concat --layer guided fire4/concat" in report()["command"]


def test_a_network_from_a_file(run, refused, pictures, own_network):
    line = refused(2, "reproduce", *pictures, *own_network, "--only", "4c")
    assert "own has no 'inception_4c/output'; name a layer for it: --layer 4c NAME" in line
    seen = run("reproduce", *pictures, *own_network, "--only", "4c", "--layer", "4c", "light", "--octaves", "1")
    assert seen.code == 0, seen
    assert "no known result of the file own.prototxt" in seen.err


def test_a_file_is_no_network_of_the_registry(run, pictures, root):
    """Whatever it is called: its definition may be another."""
    folder = root / "models" / "squeezenet_v1.1"
    Path("squeezenet_v1.1").write_bytes((folder / "deploy.prototxt").read_bytes())
    weights = ["--weights", folder / "squeezenet_v1.1.caffemodel"]
    layer = ["--only", "4c", "--layer", "4c", "fire8/concat"]
    seen = run("reproduce", *pictures, *QUICK, *weights, *layer, "--exact")
    assert "no known result of the file squeezenet_v1.1" in seen.err


def test_names_are_told_without_their_control_characters(run, pictures, own_network):
    Path("own.prototxt").rename("\x1b[31mown.prototxt")
    own_network[1] = "\x1b[31mown.prototxt"
    layer = ["--only", "4c", "--layer", "4c", "light", "--octaves", "1"]
    seen = run("reproduce", *pictures, *own_network, *layer)
    assert seen.code == 0, seen
    assert "\x1b" not in seen.err
    assert "\\x1b[31mown" in seen.err


def test_a_second_run_replaces_the_first_by_force(run, pictures):
    for seed in ("1", "2"):
        assert run("reproduce", *pictures, *QUICK, "--frames", "1", "--seed", seed, "--force").code == 0
        Path("reproduction/dream_4c.png").write_bytes(b"")  # nothing is lost with it
        assert f"--seed {seed}" in report()["command"]
    assert written() == sorted([*ALL, "frames/00000000.png"])


def test_another_photograph_has_a_folder_of_its_own(run, own_network, folder, draw):
    """And what is in it is not replaced."""
    options = ["--frames", "0", "--only", "4c", "--layer", "4c", "light", "--octaves", "1", "--iterations", "1"]
    for name in ("a.png", "b.png"):
        assert run("reproduce", draw(folder / name, 48, 64), *own_network, *options).code == 0
    assert report("reproduction-a")["inputs"]["sky"]["name"] == "a.png"
    assert report("reproduction-b")["inputs"]["sky"]["name"] == "b.png"
    seen = run("reproduce", "a.png", *own_network, *options, "--seed", "7")
    assert seen.code == 2
    assert "'reproduction-a/report.html' is there already: --force replaces it" in seen.err
    Path("reproduction-a/report.html").unlink()
    Path("reproduction-a/report.json").unlink()
    seen = run("reproduce", "a.png", *own_network, *options, "--seed", "7")
    assert "'reproduction-a/dream_4c.png' is there already: --force replaces it" in seen.err


# ---- known results ----

# Results of the built-in network on our pictures that take seconds.
KNOWN = [*QUICK, "--exact", "--frames", "3"]
OWN = "pydream's own result of another machine (pydream 0.1.0 on 1 and 2 threads)"


def test_a_report_is_of_the_pictures_beside_it(run, pictures, monkeypatch):
    """A run that is killed after its first picture leaves no report of the run before."""
    arguments = ["reproduce", *pictures, *QUICK, "--only", "4c"]
    assert run(*arguments, "--seed", "3").code == 0
    monkeypatch.setattr(module.Run, "_write_report", lambda run: None)
    assert run(*arguments, "--seed", "4", "--force").code == 0
    assert written() == ["dream_4c.png"]


def test_known_results(run, folder):
    seen = run("reproduce", *KNOWN)
    assert seen.code == 0, seen
    assert seen.err.splitlines()[1] == f"4c, 5x5_reduce, guided, zoom: compared with {OWN}"
    for line, key in zip(outcomes(seen), RESULTS, strict=True):
        assert line.startswith(f"{key} ")
        assert f"identical to {OWN}, in every pixel" in line
    assert {result["verdict"] for result in report()["results"]} == {"identical"}
    html = Path("reproduction", "report.html").read_text(encoding="utf-8")
    assert html.count('<span class="good">identical</span>: pydream&#x27;s own result of another machine (') == 4
    assert {result["whose"] for result in report()["results"]} == {OWN}
    assert "the known results: 4 identical." in html
    assert html.count("✓") == 3 * 2 + 3


def test_a_result_that_differs(run, folder, monkeypatch):
    """A hash that is not right is told, wherever it stands."""
    spoilt = []
    for one in known.known_results():
        where = {"4c": 0, "zoom": 1}.get(one.result)
        pictures = ["0" * 64 if number == where else digest for number, digest in enumerate(one.pictures)]
        spoilt.append(known.Known(result=one.result, by=one.by, facts=one.facts, pictures=pictures))
    monkeypatch.setattr(known, "known_results", lambda: spoilt)
    seen = run("reproduce", *KNOWN, "--frames", "2", "--only", "4c", "--only", "5x5_reduce", "--only", "zoom")
    assert seen.code == 1
    lines = seen.err.splitlines()
    first, second, third = outcomes(seen)
    assert f"differs from {OWN}, first in octave 1 of 2" in first
    assert "identical" in second
    assert "first in frame 1" in third
    assert lines[-1] == "pydream: error: 4c, zoom: not the known result; see 'reproduction/report.html'"
    assert [result["verdict"] for result in report()["results"]] == ["differs", "identical", "differs"]
    html = Path("reproduction", "report.html").read_text(encoding="utf-8")
    assert "1 identical, 2 different" in html
    assert html.count(">differs</span>") == 2 + 1 + 1  # in the table; the octave; the frame


def test_float32_is_not_compared(run, folder):
    seen = run("reproduce", *[option for option in KNOWN if option != "--exact"], "--only", "4c")
    assert seen.code == 0
    assert "not compared: float32 is only similar to pydream's own result of another" in seen.err


def test_other_pictures_are_not_compared(run, pictures):
    seen = run("reproduce", *KNOWN, *pictures, "--only", "guided")
    assert seen.code == 0
    assert "not compared: the nearest known result has another picture, another guide, other octaves" in seen.err


# Large enough that TensorFlow and the C++ core have something to share out.
THREADS = [*SQUEEZENET, "--exact", "--octaves", "2", "--iterations", "2", "--frames", "6"]


def test_the_number_of_threads_changes_no_pixel(folder, draw):
    draw(folder / "in.png", 120, 160)
    runs = []
    for threads in ("1", "2"):
        command = [sys.executable, "-m", "pydream", "reproduce", *THREADS, "in.png", "-o", threads]
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(pydream.__file__).parents[1]),
            "PYDREAM_NUM_THREADS": threads,
        }
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        assert report(threads)["threads"] == f"PYDREAM_NUM_THREADS={threads}"
        runs.append({name: read_image(Path(threads, name)) for name in written(threads) if name.endswith(".png")})
    assert sorted(runs[0]) == sorted(runs[1])
    assert len(runs[0]) == 3 + 6
    for name, picture in runs[0].items():
        np.testing.assert_array_equal(picture, runs[1][name], err_msg=name)


# ---- Ctrl-C ----


def test_ctrl_c_keeps_what_is_done(run, pictures, monkeypatch):
    interrupt_at(monkeypatch, 4)
    seen = run("reproduce", *pictures, *QUICK, "--frames", "2", "--exact")
    assert seen.code == 130
    lines = seen.err.splitlines()
    assert lines[-1] == "pydream: interrupted; wrote 'reproduction/report.html', with 1 of 4 results done"
    assert written() == ["dream_4c.png", "dream_5x5_reduce.png", "report.html", "report.json"]
    first, second = report()["results"]
    assert (first["interrupted"], second["interrupted"], second["steps"]) == (False, True, 2)
    html = Path("reproduction", "report.html").read_text(encoding="utf-8")
    assert "not made: A lower layer, Guided by flowers, Into the dream" in html
    assert read_provenance("reproduction/dream_5x5_reduce.png").recipe.steps == 2


def test_ctrl_c_in_the_loop(run, pictures, monkeypatch):
    interrupt_at(monkeypatch, 5)
    seen = run("reproduce", *pictures, *QUICK, "--only", "zoom", "--frames", "9")
    assert seen.code == 130
    assert written() == ["frames/00000000.png", "frames/00000001.png", "report.html", "report.json"]
    (result,) = report()["results"]
    assert len(result["pictures"]) == 2


def test_other_signals(run, pictures, monkeypatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_DFL)  # not ignored, as under nohup
    interrupt_at(monkeypatch, 3, signal.SIGTERM)
    assert run("reproduce", *pictures, *QUICK, "--frames", "2").code == 143
    assert "report.html" in written()


def test_ctrl_c_before_the_first_step(run, pictures, folder, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("pydream.dream.notebook._make_step", interrupt)
    seen = run("reproduce", *pictures, *QUICK)
    assert seen == (130, "", "pydream: interrupted; nothing was written\n")
    assert not Path("reproduction").exists()


def test_what_fails_leaves_a_report_on_those_before_it(run, pictures, monkeypatch):
    make = module.make

    def failing(net, result, *args):
        if result.key == "guided":
            raise MemoryError
        return make(net, result, *args)

    monkeypatch.setattr(module, "make", failing)
    seen = run("reproduce", *pictures, *QUICK, "--frames", "2")
    assert seen.code == 1
    assert seen.err.endswith("pydream: error: not enough memory; a smaller picture needs less\n")
    assert [result["result"] for result in report()["results"]] == ["4c", "5x5_reduce"]


# ---- what the command line got wrong ----


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(module, "load", None)  # calling it would be a TypeError


def test_weights_that_are_missing_are_told_first(refused, folder, no_network):
    line = refused(1, "reproduce", __file__)  # which is no picture
    assert "no weights for bvlc_googlenet" in line
    assert "http" in line
    assert "PYDREAM_MODELS" in line


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--guide", "no.png"], "'no.png' does not exist"),
        (["--only", "4d"], "'4d' is not one of"),
        (["--layer", "zoom", "x"], "'zoom' is not one of"),
        (["--frames", "-1"], "--frames"),
        (["--octaves", "0"], "--octaves"),
        (["--iterations", "0"], "--iterations"),
        (["--seed", "-1"], "--seed"),
        (["--era", "2016"], "--era"),
        (["--device", "tpu"], "--device"),
        (["-o", "in.png"], "is a file"),
        (["-o", "in.png/under"], "is not a folder"),
        (["-o", "/proc/out"], "cannot write"),
        (["--only", "zoom", "--frames", "0"], "--frames"),
    ],
)
def test_bad_usage(refused, pictures, no_network, arguments, why):
    assert why in refused(2, "reproduce", *SQUEEZENET, *pictures, *arguments)


def test_no_such_input(refused, folder, no_network):
    assert "'no.png' does not exist" in refused(2, "reproduce", *SQUEEZENET, "no.png")


def test_a_picture_that_is_none(refused, pictures, folder, no_network):
    (folder / "junk.png").write_text("junk")
    assert "'junk.png' is not a picture" in refused(1, "reproduce", *SQUEEZENET, "junk.png")


@pytest.mark.parametrize("name", ["report.html", "dream_4c.png", "frames/00000000.png"])
def test_a_folder_in_the_way(refused, pictures, folder, no_network, name):
    (folder / "reproduction" / name).mkdir(parents=True)
    assert "--output" in refused(2, "reproduce", *SQUEEZENET, *pictures)


@pytest.mark.parametrize("name", ["report.html", "report.json", "dream_4c.png", "frames/00000001.png"])
def test_what_is_no_result_is_not_overwritten(refused, pictures, folder, draw, no_network, name):
    path = folder / "reproduction" / name
    path.parent.mkdir(parents=True)
    if path.suffix == ".png":
        draw(path, 8, 8)
    else:
        path.write_text('{"tests": "passed"}')
    line = refused(2, "reproduce", *SQUEEZENET, *pictures, "--frames", "2")
    assert f"'reproduction/{name}' does not say that it was made by this command" in line


def test_a_file_in_the_way(refused, pictures, folder, no_network):
    (folder / "reproduction").mkdir()
    (folder / "reproduction" / "frames").write_text("mine")
    assert "is not a folder" in refused(2, "reproduce", *SQUEEZENET, *pictures)


def test_what_is_read_is_not_written_over(refused, folder, draw, no_network):
    (folder / "reproduction").mkdir()
    sky = draw(folder / "reproduction" / "dream_4c.png", 72, 96)
    assert "overwrite" in refused(2, "reproduce", *SQUEEZENET, sky, "-o", "reproduction")


def test_unknown_layer(refused, pictures):
    assert "fire8/concat" in refused(2, "reproduce", *QUICK, *pictures, "--layer", "4c", "fire8/conct")


@pytest.mark.parametrize(("sky", "guide", "told"), [(8, 64, "octave 1 of 2"), (96, 8, "the guide 'guide.png'")])
def test_too_small(refused, folder, draw, sky, guide, told):
    """Found before the first result is made, whichever needs it."""
    draw(folder / "in.png", sky, sky)
    draw(folder / "guide.png", guide, guide)
    line = refused(1, "reproduce", *QUICK, "in.png", "--guide", "guide.png")
    assert told in line


def test_our_pictures_are_the_default(run, folder):
    assert run("reproduce", *SQUEEZENET, "--octaves", "1", "--iterations", "1", "--only", "guided").code == 0
    for name, given in [("sky", "sky.jpg"), ("guide", "flowers.jpg")]:
        assert report()["inputs"][name] == {"name": given, "sha256": pixels_sha256(read_image(example(given)))}
