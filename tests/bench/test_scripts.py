"""The scripts of benchmarks/: other ways to the same gradient, and the tables."""

import os
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest

from pydream.bench import network, operations, timing, whole
from pydream.bench.inputs import image
from pydream.errors import BenchError, ResultsDifferError


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
    # A compiled network takes a minute.
    wanted = [name for name in compare["RIVALS"] if name != "torch.compile"]
    with compare["present"](subject, (64, 96), wanted) as (rivals, missing):  # compares them
        assert {each.name for each in rivals} | set(missing) == set(wanted)
    assert "tensorflow" not in missing
    assert all("not installed" in why or "random" in why for why in missing.values())


def test_a_rival_with_another_gradient_is_refused(compare, subject, monkeypatch):
    here = sys.modules["rivals"]._HERE

    def wrong(subject):
        gradient = here["tensorflow"](subject).gradient
        return network.Passes("wrong", lambda tensor: gradient(tensor)[:, ::-1], True)

    monkeypatch.setitem(here, "wrong", wrong)
    with (
        pytest.raises(ResultsDifferError, match="wrong and pydream compute different gradients"),
        compare["present"](subject, (64, 96), ("wrong",)),
    ):
        pass


def test_a_layer_that_a_rival_does_not_have(compare):
    subject = network.Subject.find("squeezenet_v1.1", layer="pool10")
    with compare["present"](subject, (227, 227), ("tensorflow",)) as (rivals, missing):
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
        with compare["present"](subject, (64, 96), ("caffe",)) as (rivals, missing):
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
    with compare["present"](subject, (64, 96), ("tensorflow",)) as (rivals, _):
        contest = compare["steps"](subject, (64, 96), rivals)
    assert list(contest.ways) == ["pydream", "tensorflow"]
    outcome = compare["race"](contest, 0, 1)
    assert outcome.rounds == 1


FAKE = """
import os
import numpy as np
from pydream.bench.network import Passes
from rivals.task import NotHere

def twice(task):
    print("a library's own words")

    def gradient(x):
        if x[0, 0, 0, 0] == 1:
            raise NotHere("no such layer")
        if x[0, 0, 0, 0] == 2:
            raise MemoryError("too large")
        if x[0, 0, 0, 0] == 3:
            os._exit(3)
        sum(range(10**5))
        return 2 * x

    return Passes("fake", gradient, True, f"{task} by {os.environ['FAKE_SETTING']}")
"""


@pytest.fixture(scope="module")
def fake(compare, tmp_path_factory):
    """A rival in another process that doubles an image, and fails where it starts with 1, 2 or 3."""
    folder = tmp_path_factory.mktemp("fake")
    (folder / "fake.py").write_text(FAKE)
    settings = {"FAKE_SETTING": "itself"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        rival = sys.modules["rivals"].Apart("fake", "fake:twice", "all", settings)
    yield rival
    rival.close()


def picture(first):
    image = np.arange(24, dtype=np.float32).reshape(3, 2, 4) + 10
    image[0, 0, 0] = first
    return image


def test_a_rival_in_another_process(compare, fake):
    one, other = picture(0), picture(5)
    ways = {"here": lambda: 2 * one[np.newaxis], "fake": fake.way(one)}
    outcome = compare["race"](timing.Contest("twice", ways, timing.SAME_BITS), 0, 3)
    assert outcome.rounds == 3
    assert all(0 < work < 10 for work in outcome.work["fake"])  # its own, not this process's
    np.testing.assert_array_equal(fake.way(other)(), 2 * other[np.newaxis])
    assert fake.about.startswith("all by itself, at most ")
    assert len(fake.firsts) == 2


def test_what_another_process_says_of_its_failures(fake):
    with pytest.raises(sys.modules["rivals"].NotHere, match=r"^no such layer$"):
        fake.way(picture(1))()
    with pytest.raises(BenchError, match=r"^fake: MemoryError: too large$"):
        fake.way(picture(2))()
    np.testing.assert_array_equal(fake.way(picture(0))(), 2 * picture(0)[np.newaxis])  # it goes on


def test_another_process_that_ends(fake):  # the last test of this one
    with pytest.raises(BenchError, match="fake: its process failed: a library's own words"):
        fake.way(picture(3))()


@pytest.mark.parametrize(
    ("model", "layer", "size", "pooling"),
    [
        ("squeezenet_v1.1", "fire2/concat", (33, 28), "_pooling"),
        # The evaluator's indices are wrong where a window is padded.
        ("bvlc_googlenet", "inception_3a/pool_proj", (35, 40), "_pooling_compared"),
    ],
)
def test_the_gradient_as_an_onnx_graph(compare, model, layer, size, pooling):
    """Neither ONNX Runtime nor OpenVINO is here: the onnx package's own evaluator, in NumPy, stands in for them."""
    reference = pytest.importorskip("onnx.reference", reason="NOT PROVEN HERE: onnx is not installed")
    from rivals import on_onnx
    from rivals.task import Task

    subject = network.Subject.find(model, layer=layer, stand_in=True)
    made = on_onnx.model(Task.of(subject), (1, 3, *size), getattr(on_onnx, pooling))
    evaluator = reference.ReferenceEvaluator(made)
    theirs = network.Passes("onnx", lambda x: evaluator.run(None, {"image": x})[0], False)
    found = [each.way(image(*size, subject.net.mean))() for each in (compare["ours"](subject), theirs)]
    assert timing.distance(found[1], found[0]) < 1e-5


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
    rows = compare["rows"]
    head, found = rows.measured(0, ["googlenet 4c", "gradient"])
    assert len(found) == 3 + len(compare["RIVALS"])
    _, of_dream = rows.measured(0, ["GoogLeNet's dream", "resident"])
    for row in found + of_dream:
        assert len(row) == len(head)
        assert row[2].startswith("not measured: ")
        assert "no weights for bvlc_googlenet" in row[2] or row[2].endswith("likewise")
    assert sum("no weights" in row[2] for row in found + of_dream) == 3
    assert len(of_dream) == 1


def test_rows_are_promises(compare):
    rows = compare["rows"]
    promised = {what: most for group in rows.groups(0) for what, most in group.rows.items()}
    assert len(promised) == sum(len(group.rows) for group in rows.groups(0))
    assert all(float(most.split()[0]) > 0 for most in promised.values())
    assert rows.measured(0, ["nothing is called so"])[1] == []
    kept, not_kept = (rows.cells("a", "0.35 s", rows.Found(value, note="b"))[1:4] for value in (0.35, 0.36))
    assert kept == ["≤ 0.35 s", "0.350 s (b)", "yes"]
    assert not_kept == ["≤ 0.35 s", "0.360 s (b)", "NO"]


def test_a_row_of_every_operation(compare, monkeypatch):
    calls = []
    monkeypatch.setattr(
        compare["rows"], "race", lambda contest, *_, between: compare["race"](contest, 0, 1, 0, between=between)
    )
    monkeypatch.setattr(compare["rows"], "small_passes", lambda: lambda: calls.append(None))
    alone, inside = compare["rows"].worst([(24, 32)])
    for found in (alone, inside):
        assert found.value > 0
        assert found.note.endswith(", 32×24")
    assert len(calls) == 2 * len(operations.names())


def test_published_times_beside_ours(compare, monkeypatch, tmp_path):
    published = compare["published"]
    monkeypatch.setattr(published, "DREAMS", published.DREAMS[:1])
    monkeypatch.delenv("PYDREAM_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(published, "whole_dream", stand_in_dream)
    head, rows = published.measured()
    assert {len(row) for row in rows} == {len(head)}
    assert [row[4] for row in rows[-2:]] == [
        "2.00 s, another 1.00 s; 3.00 s before the first to load TensorFlow and the network",
        "not measured: no weights",
    ]


def stand_in_dream(request):
    if request.dtype == "float64":
        raise BenchError("no weights")
    dreams = [whole.Breakdown(total, 0, 0, 0, 0, 0, []) for total in (2, 1)]
    return whole.DreamCost(2, 1, 0, 0, 0, dreams)


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
