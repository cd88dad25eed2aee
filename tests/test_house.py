"""The house stands as drawn: who imports whom, what is public, and what an import costs."""

import ast
import subprocess
import sys

import pytest

import pydream

# Room -> the rooms of the project that it may import; `cli` may import everything but TensorFlow's door.
MAY_IMPORT = {
    "__init__": {"dream", "errors", "frames", "loop", "objectives", "preprocessing", "zoo"},
    "__main__": {"cli"},
    "era": set(),
    "errors": set(),
    "matching": set(),
    "net": {"errors", "matching"},
    "timing": {"net"},
    "threads": set(),
    "tf": {"errors", "memory", "threads"},
    "files": set(),
    "image": {"errors", "files"},
    "video": {"errors", "files", "image"},
    "motion": {"errors", "image", "net"},
    "frames": {"dream", "image", "motion", "net", "retouch"},
    "sheet": {"errors", "image"},
    "presets": set(),
    "imageops": set(),
    "preprocessing": {"net"},
    "noise": {"net"},
    "octaves": {"era", "errors", "net"},
    "laplacian": {"net"},
    "labels": {"errors"},
    "objectives": {"errors", "labels", "matching", "net", "preprocessing"},
    "retouch": {"laplacian", "net"},
    "memory": set(),
    "tiles": {"errors", "net"},
    "fitting": {"errors", "memory", "net", "tiles"},
    "dream": {
        "era", "errors", "fitting", "imageops", "net", "objectives", "octaves", "preprocessing", "retouch", "tiles",
    },
    "tutorial": {
        "dream", "errors", "fitting", "laplacian", "net", "noise", "objectives", "octaves", "preprocessing", "tiles",
    },
    "loop": {"dream", "era", "imageops", "net", "preprocessing"},
    "schema": set(),
    "caffe": {"errors", "graphdef", "matching", "net", "schema", "tf"},
    "graphdef": {"caffe", "errors", "net", "schema"},
    "freeze": {"errors", "tf"},
    "zoo": {"caffe", "errors", "files", "freeze", "graphdef", "net"},
    "recipe": {
        "dream", "era", "fitting", "loop", "net", "noise", "objectives", "octaves", "retouch", "tiles", "tutorial",
    },
    "tasks": {
        "__init__", "caffe", "errors", "image", "net", "objectives", "provenance", "recipe", "retouch", "tiles", "zoo",
    },
    "cluster": {"errors", "tasks"},
    "fetch": {"errors", "files", "zoo"},
    "own": {"caffe", "errors", "files", "freeze", "graphdef", "net", "zoo"},
    "provenance": {"__init__", "errors", "files", "image", "net", "recipe", "video", "zoo"},
    "reproduce": {
        "caffe", "dream", "errors", "image", "loop", "net", "objectives", "octaves", "provenance", "recipe", "timing",
    },
    "checkpoint": {"errors", "files", "net", "provenance", "recipe"},
    "testing": {
        "__init__", "caffe", "dream", "errors", "imageops", "matching", "net", "objectives", "octaves",
        "preprocessing", "zoo",
    },
}  # fmt: skip
MAY_IMPORT["bench"] = {
    "__init__", "caffe", "dream", "errors", "files", "imageops", "net", "objectives", "octaves", "tf", "timing", "zoo",
}  # fmt: skip
MAY_IMPORT["cli"] = set(MAY_IMPORT) - {"tf"}


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


def test_no_forbidden_arrow(root):
    rooms = {path.stem for path in (root / "pydream").iterdir() if path.suffix == ".py" or path.is_dir()}
    rooms -= {"__pycache__", "models"}
    assert set(MAY_IMPORT) == rooms
    for path, room, name in imports(root):
        parts = name.split(".")
        if parts[0] == "pydream" and len(parts) > 1 and parts[1] in rooms:
            assert parts[1] == room or parts[1] in MAY_IMPORT[room], f"{path} imports {name}"


def test_tensorflow_has_one_door(root):
    for path, room, name in imports(root):
        assert not name.startswith(("tensorflow", "keras")), f"{path} imports {name}; pydream.tf does that"
        if name.startswith("pydream.tf"):
            assert room in ("caffe", "bench", "freeze"), f"{path} imports {name}"


def test_tensorflow_is_known_to_one_runtime(root):
    """The other runtime, and what all share, could do without it."""
    for path, room, name in imports(root):
        if name.startswith("pydream.tf.") and room != "freeze":
            assert path.stem in ("tf_layers", "tf_runtime", "mode", "floor"), f"{path} imports {name}"


def test_public_names():
    assert sorted(pydream.__all__) == [
        "DreamInterrupted",
        "PydreamError",
        "deepdream",
        "deprocess",
        "dream_frames",
        "load_net",
        "make_step",
        "objective_L2",
        "objective_guide",
        "preprocess",
        "zoom",
        "zoom_frame",
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
        "backend": "native",
        "retouches": (),
        "tile": None,
        "on_tile": None,
    }
    assert defaults(pydream.deepdream) == {
        "iter_n": 10,
        "octave_n": 4,
        "octave_scale": 1.4,
        "end": None,
        "clip": True,
        "on_step": None,
        "on_octave": None,
        "rng": None,
        "backend": "native",
        "era": "modern",
        "grid": None,
        "retouches": (),
        "tile": None,
    }


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("import pydream", ["numpy", "scipy", "tensorflow", "yaml", "av"]),
        ("import pydream; pydream.deepdream, pydream.load_net", ["tensorflow", "scipy"]),
        ("import pydream.zoo; pydream.zoo.networks()", ["tensorflow", "scipy"]),
        ("import pydream.tutorial, pydream.laplacian", ["scipy", "tensorflow"]),
        ("import pydream.imageops.native_ops", ["scipy", "tensorflow"]),
        ("import pydream.testing", ["tensorflow"]),
        ("import pydream.video", ["av", "scipy", "tensorflow"]),
        ("import pydream.frames, pydream.cli.video", ["av", "cv2", "scipy", "tensorflow"]),
        ("import pydream.cli", ["av"]),
        ("import pydream.cli.dream, pydream.cluster", ["dask", "distributed", "tensorflow"]),
        ("import pydream.bench.report, pydream.bench.plot", ["tensorflow", "matplotlib"]),
        ("import pydream.cli.models", ["pooch", "requests", "tensorflow"]),
    ],
)
def test_imports_are_light(root, program, absent):
    check = f"{program}\nimport sys\nprint([name for name in {absent} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", check], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
