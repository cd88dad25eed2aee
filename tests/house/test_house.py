"""The house stands as drawn: who imports whom, what is public, and what an import costs."""

import ast
import re
import subprocess
import sys
from functools import cache

import pytest

import pydream

# A room imports those before it,
ORDER = [
    *("errors", "logs", "host", "forks", "locks", "reads", "reading", "files", "system", "picture", "table", "net"),
    *("media", "imageops", "tiles", "dream"),
    *("runtime", "formats", "caffe", "zoo"),
    *("record", "cluster", "easy"),
    *("bench", "reproduce", "testing"),
    "studio",
    "cli",
]
# and neither side of the seam the other.
PICTURES, NETWORKS = {"media", "imageops", "tiles", "dream"}, {"runtime", "formats", "zoo"}  # pycaffe's face has both

TENSORFLOWS_DOOR = "pydream.runtime.on_tensorflow.door"


@cache
def tree(path):
    """Parse a file, once."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(root):
    """Yield (file, its room, what it imports as a dotted name) for every import statement of the package."""
    package = root / "pydream"
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package).with_suffix("").parts
        for node in ast.walk(tree(path)):
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


# What writes elsewhere than in `pydream.files`: the file, what is called there, and why that is right.
WRITERS = {
    ("media/image.py", "save"): "Pillow encodes in memory",
    ("media/page.py", "save"): "the same",
    ("bench/plot.py", "savefig"): "Matplotlib draws in memory",
    ("record/loop.py", "savez"): "into a file that `files` has opened",
    ("host/processes.py", "write_text"): "the kernel's, of this process",
    ("host/disk.py", "open"): "a folder, or a file to be synced",
    ("host/disk.py", "link"): "a new name for a whole file of `files`",
    ("host/disk.py", "copyfile"): "in a temporary folder of `files`",
    ("host/disk.py", "rename"): "a whole file of `files`",
    ("host/names.py", "open"): "an empty file that is removed at once",
    ("media/video/gif.py", "open"): "the temporary file of `files`, bit by bit",
    ("media/video/mp4.py", "open"): "libav's; the same",
    ("zoo/part.py", "open"): "a part, which is checked whole and then moved",
    ("zoo/assemble.py", "open"): "the temporary file of `files`",
    ("zoo/archives.py", "open"): "the same",
    ("zoo/sources.py", "copyfile"): "the same",
    ("locks.py", "open"): "a lock's file",
    ("cli/shells.py", "open"): "the null device, in the place of the standard streams",
    ("cli/shells.py", "fdopen"): "standard output",
    ("locks.py", "write"): "into it",
    ("cli/streams.py", "open"): "the null device, in the place of a lost stream",
    ("cli/streams.py", "write_bytes"): "standard output",
    ("cli/signals.py", "write"): "a line to a terminal, in a signal's handler",
    ("formats/keras/apart.py", "TemporaryFile"): "it has no name",
    ("formats/keras/reader.py", "fdopen"): "an answer to another process",
    ("formats/keras/reader.py", "open"): "nowhere, for TensorFlow's lines",
    ("studio/uploads.py", "open"): "a file on its way, which a worker reads and a new start removes",
    ("studio/uploads.py", "copyfile"): "the same",
    ("runtime/on_tensorflow/door.py", "TemporaryFile"): "the same",
    ("runtime/on_tensorflow/door.py", "write"): "what a terminal was not shown",
}
# Modules and names that only some systems have: `pydream.host` imports and uses them, and who looks first.
SYSTEMS_MODULES = {
    *("fcntl", "resource", "termios", "pwd", "grp", "pty", "tty", "syslog", "posix", "readline"),  # POSIX
    *("msvcrt", "winreg", "winsound", "_winapi"),  # Windows
}
SYSTEMS_NAMES = re.compile(
    r"os\.(name|uname|fork\w*|register_at_fork|kill|killpg|setsid|setpgid|sched_\w+|sysconf|getloadavg|statvfs|p?readv"
    r"|pread|p?writev|pwrite|fchmod|fchown|chown|mkfifo|symlink|link|getuid|geteuid|pidfd_open|nice|wait\w*|O_(?!RDONLY"
    r"|WRONLY|RDWR|CREAT|EXCL|TRUNC|APPEND)\w+)|sys\.platform|platform\.system"
    r"|signal\.(SIG(?!INT$|TERM$|_IGN$|_DFL$)\w+|pthread_\w+|sigwait|alarm|setitimer)|socket\.AF_UNIX"
)
LOOK_FIRST = {
    ("forks.py", "os.register_at_fork"): "hasattr",
    ("system.py", "os.sched_getaffinity"): "hasattr",
    ("record/provenance.py", "platform.system"): "a name, for a note",
    ("bench/machine.py", "platform.system"): "the same",
}


def test_systems_differ_in_one_room(root):
    """No other module imports, or names, what only some systems have."""
    package, found = root / "pydream", set()
    for path, room, name in imports(root):
        assert room == "host" or name not in SYSTEMS_MODULES, f"{path} imports {name}"
    for path in package.rglob("*.py"):
        file = path.relative_to(package).as_posix()
        if not file.startswith("host/"):
            nodes = ast.walk(tree(path))
            names = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
            found |= {(file, name) for name in names if SYSTEMS_NAMES.fullmatch(name)}
    assert found == set(LOOK_FIRST)


_WRITES = {
    *("write_text", "write_bytes", "touch", "mkdir", "makedirs", "rename", "renames", "symlink_to", "hardlink_to"),
    *("mkstemp", "mkdtemp", "TemporaryFile", "NamedTemporaryFile", "TemporaryDirectory", "fdopen", "memmap"),
    *("savez", "savez_compressed", "savetxt", "tofile", "savefig"),
}
_MODULES_WRITE = {
    *("os.open", "os.write", "os.replace", "os.link", "np.save", "shutil.copy", "shutil.copy2", "shutil.copyfile"),
    *("shutil.copytree", "shutil.move"),
}


def _writes(call):
    """Return the name of a function that writes to a path, as far as the call alone can tell."""
    function, values = call.func, [*call.args, *(each.value for each in call.keywords)]
    name = getattr(function, "attr", getattr(function, "id", None))
    if name == "open":
        texts = [each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        found = any(re.fullmatch(r"[rbt]*[wxa+][bt+]*", text) for text in texts)
    else:
        found = isinstance(function, ast.Attribute) and (
            name in _WRITES
            or (name == "replace" and len(values) == 1)  # a text's has two
            or (name == "save" and ast.unparse(function).startswith("Image."))  # Pillow's
        )
    return name if found or ast.unparse(function) in _MODULES_WRITE else None


def test_one_writer(root):
    """All that is written goes through `pydream.files`, which is whole, checked and on the disk."""
    package, found = root / "pydream", set()
    for path in package.rglob("*.py"):
        file = path.relative_to(package).as_posix()
        if file != "files.py":
            calls = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
            found |= {(file, name) for name in map(_writes, calls) if name}
    assert found == set(WRITERS)


@pytest.mark.parametrize(
    "line",
    [
        "open(path, 'w')", "path.open('xb')", "path.open(mode='r+b')", "gzip.open(path, 'ab')", "path.write_text(text)",
        "Image.fromarray(pixels).save(path)", "np.savez(path, a=a)", "array.tofile(path)", "os.open(path, flags)",
        "temporary.replace(path)", "path.parent.mkdir(parents=True)", "shutil.copyfile(a, b)",
        "tempfile.mkdtemp()",
    ],
)  # fmt: skip
def test_a_writer_is_found(line):
    assert _writes(ast.parse(line, mode="eval").body)


def test_no_file_is_longer_than_500_lines(root):
    generated = {"caffe_pb2.py"}
    for path in [*(root / "pydream").rglob("*.py*"), *(root / "csrc").iterdir()]:
        if path.suffix in (".py", ".pyi", ".cpp", ".hpp", ".h") and path.name not in generated:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path


def test_public_names(root):
    stub = ast.parse((root / "pydream" / "__init__.pyi").read_text(encoding="utf-8"))
    assert ast.literal_eval(stub.body[-1].value) == sorted(pydream.__all__)  # what type checkers see
    assert sorted(pydream.__all__) == [
        "Also",
        "Dream",
        "DreamInterrupted",
        "Preview",
        "PydreamError",
        "Together",
        "Watch",
        "activation_atlas",
        "activation_factors",
        "activation_grid",
        "classify",
        "deepdream",
        "deprocess",
        "dream_frames",
        "dream_picture",
        "export_onnx",
        "load_net",
        "make_step",
        "objective_L2",
        "objective_guide",
        "objectives",
        "preprocess",
        "renderers",
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


@pytest.mark.parametrize(
    "program",
    [
        "from pydream import objectives, retouch; import pydream",
        "import pydream; objectives, retouch = pydream.objectives, pydream.retouch",
        "import pydream.dream.notebook; from pydream import objectives, retouch",
    ],
)
def test_public_modules(program):
    """In whatever way, and order, they are imported."""
    check = "assert objectives is pydream.objectives and retouch is pydream.retouch; objectives.l2; retouch.Smooth"
    subprocess.run([sys.executable, "-c", f"{program}; {check}"], check=True)


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
        "octave_sizes": None,
        "seamless": False,
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
