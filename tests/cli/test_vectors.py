"""`pydream vectors` writes a folder, or says why not."""

import json
import re


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
    assert run("vectors")[0] == 2
