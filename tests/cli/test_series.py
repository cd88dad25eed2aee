"""`--series N`: a numbered row of dreams on one picture, from mild to wild; each is made alone by its record."""

import json
import shlex
from pathlib import Path

import pytest
from support.interrupting import interrupt_at

from pydream.media.image import read_note
from pydream.record.presets import series_iterations


def account(name):
    return json.loads(read_note(name))


@pytest.mark.parametrize(
    ("iter_n", "count", "expected"),
    [
        (10, 6, [2, 4, 8, 13, 23, 40]),
        (20, 2, [5, 80]),
        (30, 5, [8, 15, 30, 60, 120]),
        (1, 6, [1, 2, 3, 4, 5, 6]),  # each is stronger than the one before
    ],
)
def test_from_a_quarter_of_the_iterations_to_four_times_as_many(iter_n, count, expected):
    assert series_iterations(iter_n, count) == expected


def test_each_is_a_dream_that_its_record_makes_again(run, picture, quick):
    assert run("dream", picture.name, "-o", "row", *quick, "-n", "4", "--series", "3", "--sidecar").code == 0
    assert sorted(path.name for path in Path("row").glob("*.png")) == ["1.png", "2.png", "3.png"]
    made = [account(f"row/{number}.png") for number in (1, 2, 3)]
    assert [each["dream"]["iter_n"] for each in made] == [1, 4, 16]
    assert len({each["dream"]["seed"] for each in made}) == 1
    assert len({each["result"]["sha256"] for each in made}) == 3
    for number, each in enumerate(made, start=1):
        assert "--series" not in each["command"]
        assert "identical" in run("replay", f"row/{number}.png", "-i", picture.name, *quick[:4]).out
        assert run(*shlex.split(each["command"])[1:], "--force").code == 0
        assert account("dream.png")["result"] == each["result"]


def test_an_interrupted_series_goes_on_with_its_seed(run, picture, quick, monkeypatch):
    given = ["dream", picture.name, "-o", "row", *quick, "-n", "4", "--series", "3"]
    with monkeypatch.context() as patched:
        interrupt_at(patched, 3)
        seen = run(*given)
    assert seen.code == 130
    assert "1 of 3 pictures were written; the same command makes the others" in seen.err
    assert [path.name for path in Path("row").iterdir()] == ["1.png"]
    seen = run(*given)
    assert seen.code == 0
    assert "1 of 3 are in 'row' already" in seen.err
    assert len({account(f"row/{number}.png")["dream"]["seed"] for number in (1, 2, 3)}) == 1
    assert "3 of 3 are in 'row' already" in run(*given).err


def test_what_is_another_dream_counts_as_one_that_failed(run, picture, quick):
    given = ["dream", picture.name, "-o", "row", *quick]
    assert run(*given, "-n", "1", "--series", "2").code == 0
    seen = run(*given, "-n", "2", "--series", "3")
    assert seen.code == 1
    assert "wrote 'row/3.png' (2 of 2)" in seen.err
    assert "1 of 2 pictures failed" in seen.err


def test_its_folder_and_names(run, picture, quick):
    assert run("dream", picture.name, *quick, "--series", "10", "--format", "jpeg").code == 0
    assert [path.name for path in sorted(Path("in.dream").iterdir())][::9] == ["01.jpeg", "10.jpeg"]


def test_with_workers_and_strength(run, picture, quick):
    given = [*quick, "-n", "2", "--strength", "2", "--series", "2", "--workers", "1"]
    assert run("dream", picture.name, "-o", "row/", *given).code == 0
    assert [account(f"row/{number}.png")["dream"]["iter_n"] for number in (1, 2)] == [1, 16]


@pytest.mark.parametrize("given", [["in.png", "in.png", "-o", "row"], ["in.png", "-o", "-"], [".", "-o", "row"]])
def test_one_picture_and_a_folder(refused, picture, given):
    line = refused(2, "dream", *given, "--series", "3")
    assert "'--series': it makes a folder of dreams on one picture" in line


def test_no_dream_of_a_series_has_more_iterations_than_there_may_be(refused, picture):
    line = refused(2, "dream", picture.name, "-o", "row", "-n", "9000000", "--series", "3")
    assert "36000000, expected at least 1, at most 10000000" in line


def test_a_file_is_no_folder(refused, picture):
    assert "--output" in refused(2, "dream", picture.name, "-o", "row.png", "--series", "3")
