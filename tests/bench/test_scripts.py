"""The scripts of benchmarks/: other ways to the same gradient, and the tables."""

import os
import re
import runpy
import subprocess
import sys

import pytest

from pydream.bench import network
from pydream.errors import ResultsDifferError


@pytest.fixture(scope="module")
def compare(root):
    sys.path.insert(0, str(root / "benchmarks"))
    try:
        yield runpy.run_path(str(root / "benchmarks" / "compare.py"), run_name="compare")
    finally:
        sys.path.remove(str(root / "benchmarks"))


@pytest.fixture(scope="module")
def subject():
    return network.Subject.find("squeezenet_v1.1", layer="fire4/concat")


@pytest.mark.parametrize(("model", "layer"), [("squeezenet_v1.1", "fire4/concat"), ("bvlc_alexnet", "conv2")])
def test_the_rivals_compute_the_same(compare, model, layer):
    subject = network.Subject.find(model, layer=layer, stand_in=True)
    rivals, missing = compare["present"](subject, (64, 96))  # compares them
    assert {each.name for each in rivals} | set(missing) == {"tensorflow", "torch", "caffe"}
    assert "tensorflow" not in missing
    assert all("not installed" in why or "random" in why for why in missing.values())


def test_a_rival_with_another_gradient_is_refused(compare, subject, monkeypatch):
    def wrong(subject):
        gradient = compare["RIVALS"]["tensorflow"](subject).gradient
        return network.Passes("wrong", lambda tensor: gradient(tensor)[:, ::-1], True)

    monkeypatch.setitem(compare["RIVALS"], "wrong", wrong)
    with pytest.raises(ResultsDifferError, match="wrong and pydream compute different gradients"):
        compare["present"](subject, (64, 96), ("wrong",))


def test_a_layer_that_a_rival_does_not_have(compare):
    subject = network.Subject.find("squeezenet_v1.1", layer="pool10")
    rivals, missing = compare["present"](subject, (227, 227), ("tensorflow",))
    assert not rivals
    assert missing == {"tensorflow": "'pool10' is a mean"}


def test_caffe_is_called_as_the_notebook_calls_it(compare, tmp_path, monkeypatch):
    """There is no Caffe here: pydream's own net, which has pycaffe's face, stands in for it."""
    (tmp_path / "caffe").mkdir()
    (tmp_path / "caffe" / "__init__.py").write_text("from pydream.caffe import TEST, Net, set_mode_cpu\n")
    (tmp_path / "caffe" / "_caffe.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "caffe", raising=False)  # tests/caffe, if it was imported
    subject = network.Subject.find("squeezenet_v1.1", layer="fire4/concat")
    try:
        rivals, missing = compare["present"](subject, (64, 96), ("caffe",))
        assert not missing
        assert [each.channels_last for each in rivals] == [False]
        assert compare["race"](compare["steps"](subject, (64, 96), rivals), 0, 1).rounds == 1
    finally:
        sys.modules.pop("caffe", None)
        sys.modules.pop("caffe._caffe", None)


def test_tables_of_markdown(compare):
    rows = [["a", "1"], ["long name", "2|2"]]
    assert compare["markdown"](["", "n"], rows) == "|  | n |\n| --- | --- |\n| a | 1 |\n| long name | 2∣2 |"


def test_steps_are_the_same(compare, subject):
    rivals, _ = compare["present"](subject, (64, 96), ("tensorflow",))
    contest = compare["steps"](subject, (64, 96), rivals)
    assert list(contest.ways) == ["pydream", "tensorflow"]
    outcome = compare["race"](contest, 0, 1)
    assert outcome.rounds == 1


def script(root, name, *args, **environment):
    command = [sys.executable, str(root / "benchmarks" / name), *args]
    path = {"PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | path | environment)


def test_compare_prints_a_table(root):
    run = script(root, "compare.py", "-m", "squeezenet_v1.1", "-l", "fire2/concat", "--size", "64x48", "--seconds", "0")
    assert run.returncode == 0, run.stderr
    assert "squeezenet_v1.1 to fire2/concat, 64x48, float32" in run.stdout
    for row in ("the gradient: floor", "the gradient: tensorflow", "the whole step: pydream", "pydream, float64"):
        assert row in run.stdout


def test_compare_tells_errors_in_a_line(root):
    run = script(root, "compare.py", "-m", "squeezenet_v1.1", "-l", "nothing", "--size", "64x48")
    assert run.returncode == 1
    assert run.stderr.startswith("compare: error: no blob 'nothing'")
    assert run.stderr.count("\n") == 1


def test_rows_say_what_cannot_be_measured(compare, monkeypatch, tmp_path):
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for rows in (compare["googlenet_rows"]("", 0), compare["dream_rows"]("")):
        for _, most, measured in rows:
            assert float(most.split()[0]) > 0
            assert isinstance(measured, str)
            assert "no weights for bvlc_googlenet" in measured or measured == "likewise"


def test_sizes(root, tmp_path):
    plot = tmp_path / "sizes.svg"
    options = [
        "--dtype",
        "float32",
        "--megapixels",
        "0.005",
        "0.01",
        "--steps",
        "2",
        "--rounds",
        "1",
        "--markdown",
        "--plot",
        str(plot),
    ]
    run = script(root, "sizes.py", *options)
    assert run.returncode == 0, run.stderr
    assert "| size | megapixels | a step | a megapixel | over the floor | most memory |" in run.stdout
    assert run.stdout.count("GB |") == 2
    assert re.search(
        r"^\| squeezenet_v1\.1, float32, 0\.0050 to 0\.010 megapixels \| ≤ 1\.0 \| -?\d\.\d{3} \| (yes|NO) \|$",
        run.stdout,
        re.MULTILINE,
    )
    assert plot.read_text().rstrip().endswith("</svg>")


@pytest.mark.parametrize(("power", "kept"), [(0.9, "yes"), (1.02, "NO")])
def test_the_exponent_is_fitted_to_all_sizes(root, monkeypatch, power, kept):
    monkeypatch.syspath_prepend(root / "benchmarks")
    sizes = runpy.run_path(str(root / "benchmarks" / "sizes.py"), run_name="sizes")
    rows = [
        sizes["Size"](height, width, seconds=1, over=(height * width) ** (power - 1), peak=0)
        for height, width in map(sizes["dimensions"], sizes["MEGAPIXELS"])
    ]
    (row,) = sizes["promises"]({("net", "float64"): rows})
    assert row == ["net, float64, 0.10 to 8.0 megapixels", "≤ 1.0", f"{power:.3f}", kept]


def test_scale(root):
    pytest.importorskip(
        "distributed", reason="NOT PROVEN HERE: Dask is not installed (pip install 'pydeepdream[dask]')"
    )
    run = script(root, "scale.py", "client", "data", "--markdown")
    assert run.returncode == 0, run.stderr
    assert "| 1024x683 |" in run.stdout
    assert "MB/s |" in run.stdout


def test_scale_refuses_parts_that_it_has_not(root):
    run = script(root, "scale.py", "clients")
    assert run.returncode == 2
    assert "no part clients" in run.stderr
