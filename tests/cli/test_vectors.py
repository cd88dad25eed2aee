"""`pydream vectors` writes a folder, or says why not."""

import json
import re
import shutil

from pydream.testing import cases


def test_into_a_folder(run, tmp_path):
    code, out, err = run("vectors", "-o", str(tmp_path / "vectors"))
    assert (code, out) == (0, "")
    count, size = re.fullmatch(r"wrote (\d+) files, (\d\.\d) MB, into '.*/vectors'\n", err).groups()
    assert int(count) == len(list((tmp_path / "vectors").iterdir()))
    assert float(size) < 5
    json.loads((tmp_path / "vectors" / "vectors.json").read_text())


def test_refusals(run, tmp_path):
    (tmp_path / "letter.txt").touch()
    code, out, err = run("vectors", "-o", str(tmp_path))
    assert (code, out) == (1, "")
    assert err == f"pydream: error: '{tmp_path}' is not empty and has no vectors.json; name a new folder\n"
    code, _, err = run("vectors", "-o", str(tmp_path / "letter.txt"))
    assert code == 2
    assert "letter.txt' is a file" in err
    for arguments in ([], ["-o", "vectors", "--check", tmp_path], ["--weights", "--check", tmp_path]):
        code, _, err = run("vectors", *arguments)
        assert (code, "'--output' writes the vectors, '--check' compares results: choose one" in err) == (2, True)
    assert run("vectors", "--check", tmp_path / "nothing")[0] == 2
    code, _, err = run("vectors", "--check", "")  # it is not this folder
    assert (code, "'' does not exist" in err) == (2, True)


def test_check(run, folder, monkeypatch):
    """A port's results: a line for each, and 1 if one differs."""
    monkeypatch.setattr(cases, "cases", cases.images)
    assert run("vectors", "-o", "vectors", "--weights").code == 0
    assert (folder / "vectors" / "network.json").is_file()
    results = folder / "results"
    results.mkdir()
    names = [file.name for file in (folder / "vectors").glob("*.roll.out.*.npy")]
    for name in names:
        shutil.copy(folder / "vectors" / name, results)
    code, out, err = run("vectors", "--check", "results")
    assert (code, err) == (0, "")
    first, *steps, note = out.splitlines()
    assert first == "results of 'results': 10 steps, 0 failed"
    assert steps[0] == "  001 roll by 0 to the right and 0 down, float32, result: as it should be"
    assert note.startswith("  not there: 14 zoom, 4 mean_abs")
    shutil.copy(results / "002.roll.out.result.npy", results / "004.roll.out.result.npy")
    shutil.copy(folder / "vectors" / "003.roll.in.image.npy", results / "003.roll.out.result.npy")
    code, out, err = run("vectors", "--check", "results")
    assert (code, err) == (1, "pydream: error: 2 of 10 results differ from the vectors\n")
    assert out.splitlines()[0] == "results of 'results': 10 steps, 2 failed"
