"""The house stands as drawn: who imports whom, what is public, and what an import costs."""

import ast
import subprocess
import sys

import pytest

import pydream

# A room imports those before it,
ORDER = [
    *("errors", "forks", "locks", "files", "system", "picture", "net"),
    *("media", "imageops", "tiles", "dream"),
    *("runtime", "formats", "caffe", "zoo"),
    *("record", "cluster"),
    *("bench", "reproduce", "testing"),
    "cli",
]
# and neither side of the seam the other.
PICTURES, NETWORKS = {"media", "imageops", "tiles", "dream"}, {"runtime", "formats", "caffe", "zoo"}

TENSORFLOWS_DOOR = "pydream.runtime.on_tensorflow.door"


def imports(root):
    """Yield (file, its room, what it imports as a dotted name) for every import statement of the package."""
    package = root / "pydream"
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                here = ("pydream", *inside[: len(inside) - node.level]) if node.level else ()
                base = ".".join([*here, *([node.module] if node.module else [])])
                names = [f"{base}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                yield path, inside[0], name


def test_every_arrow_goes_with_the_order(root):
    rooms = {path.stem for path in (root / "pydream").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert set(ORDER) == rooms - {"__init__", "__main__", "__pycache__", "models"}
    for path, room, name in imports(root):
        _, *parts = name.split(".")
        if not name.startswith("pydream.") or parts[0] not in ORDER or room in ("__init__", "__main__", parts[0]):
            continue
        assert ORDER.index(parts[0]) < ORDER.index(room), f"{path} imports {name}"
        for one, other in ((PICTURES, NETWORKS), (NETWORKS, PICTURES)):
            assert not (room in one and parts[0] in other), f"{path} imports {name}"


def test_tensorflow_has_one_door(root):
    for path, room, name in imports(root):
        assert not name.startswith(("tensorflow", "keras")), f"{path} imports {name}; {TENSORFLOWS_DOOR} does that"
        if name.startswith(TENSORFLOWS_DOOR):
            assert room in ("runtime", "formats", "caffe", "bench"), f"{path} imports {name}"


def test_tensorflow_is_known_to_one_runtime(root):
    """The other runtime, and what all share, could do without it."""
    for path, room, name in imports(root):
        if name.startswith(TENSORFLOWS_DOOR) and room == "runtime":
            assert path.parent.name == "on_tensorflow", f"{path} imports {name}"


def test_no_file_is_longer_than_500_lines(root):
    generated = {"caffe_pb2.py"}
    for path in [*(root / "pydream").rglob("*.py*"), *(root / "csrc").iterdir()]:
        if path.suffix in (".py", ".pyi", ".cpp", ".hpp", ".h") and path.name not in generated:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path


def test_public_names():
    assert sorted(pydream.__all__) == [
        "DreamInterrupted",
        "PydreamError",
        "Watch",
        "deepdream",
        "deprocess",
        "dream_frames",
        "load_net",
        "make_step",
        "objective_L2",
        "objective_guide",
        "objectives",
        "preprocess",
        "retouch",
        "tutorial",
        "video",
        "zoom_frame",
        "zoom_loop",
    ]
    for name in pydream.__all__:
        assert getattr(pydream, name).__doc__
    assert set(pydream.__all__) <= set(dir(pydream))
    with pytest.raises(AttributeError, match="no attribute 'deep_dream'"):
        pydream.deep_dream  # noqa: B018


def test_notebook_defaults():
    """The signatures are the notebook's; `end=None` is its layer where the network has it."""
    import inspect

    def defaults(function):
        return {
            name: parameter.default
            for name, parameter in inspect.signature(function).parameters.items()
            if parameter.default is not parameter.empty
        }

    assert defaults(pydream.make_step) == {
        "step_size": 1.5,
        "end": None,
        "jitter": 32,
        "clip": True,
        "objective": pydream.objective_L2,
        "rng": None,
        "retouches": (),
        "backend": "native",
    }
    assert defaults(pydream.deepdream) == {
        "iter_n": 10,
        "octave_n": 4,
        "octave_scale": 1.4,
        "end": None,
        "clip": True,
        "rng": None,
        "retouches": (),
        "watch": None,
        "era": "modern",
        "grid": None,
        "backend": "native",
        "tile": None,
    }


def test_what_the_notebook_has_not_is_keyword_only():
    import inspect

    for function, notebooks in ((pydream.make_step, 6), (pydream.deepdream, 7)):
        kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
        assert [kind for kind in kinds if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD] == kinds[:notebooks]
        assert set(kinds[notebooks:]) <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("import pydream", ["numpy", "scipy", "tensorflow", "yaml", "av"]),
        ("import pydream; pydream.deepdream, pydream.load_net", ["tensorflow", "scipy"]),
        ("import pydream.zoo.registry; pydream.zoo.registry.networks()", ["tensorflow", "scipy"]),
        ("import pydream.dream.tutorial, pydream.dream.laplacian", ["scipy", "tensorflow"]),
        ("import pydream.imageops.native_ops", ["scipy", "tensorflow"]),
        ("import pydream.testing", ["tensorflow"]),
        ("import pydream.media.video", ["av", "scipy", "tensorflow"]),
        ("import pydream.dream.film, pydream.cli.commands.video", ["av", "cv2", "scipy", "tensorflow"]),
        ("import pydream.cli", ["av"]),
        ("import pydream.cli.commands.dream, pydream.cluster.workers", ["dask", "distributed", "tensorflow"]),
        ("import pydream.bench.report, pydream.bench.plot", ["tensorflow", "matplotlib"]),
        ("import pydream.cli.commands.models", ["requests", "tensorflow"]),
    ],
)
def test_imports_are_light(root, program, absent):
    check = f"{program}\nimport sys\nprint([name for name in {absent} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", check], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
