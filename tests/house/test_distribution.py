"""What is installed is called `pydeepdream`, wherever it is named; on PyPI `pydream` is another project."""

import re
import tomllib

import pytest

from pydream.errors import DISTRIBUTION, pip_install

OLD = re.compile(r"pip3? install (?:-\S+ )*['\"]?pydream\b|\bpydream\\?\[[a-z]")
TEXTS = ("*.md", "*.toml", "*.py", "*.sh", "docs/**/*.md", "models/**/*.md", "csrc/*", "examples/**/*.ipynb",
         *(f"{folder}/**/*.{suffix}" for folder in ("pydream", "tests", "benchmarks", "examples")
           for suffix in ("py", "pyi", "md", "sh")))  # fmt: skip


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def texts(root):
    paths = {path for pattern in TEXTS for path in root.glob(pattern) if path.is_file()}
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml"} <= {path.name for path in paths}
    return {path: path.read_text(encoding="utf-8") for path in sorted(paths)}


def test_the_project_has_the_name(project):
    assert project["name"] == DISTRIBUTION == "pydeepdream"
    assert pip_install("dask") == "pip install 'pydeepdream[dask]'"


def test_the_old_name_is_recognised():
    for text in (
        "pip install pydream",
        "pip install -U 'pydream[dask]'",
        'pip install "pydream"',
        "needs pydream[dask]",
    ):
        assert OLD.search(text), text
    for text in ("pip install -e . && pydream dream", "pip install 'pydeepdream[dask]'", "pip install pydeepdream"):
        assert not OLD.search(text), text


def test_the_old_name_is_nowhere(root):
    here = root / "tests" / "house" / "test_distribution.py"
    for path, text in texts(root).items():
        found = [] if path == here else OLD.findall(text)
        assert not found, f"{path}: {found}"


def test_every_extra_that_is_named_exists(root, project):
    named = set()
    for text in texts(root).values():
        for extras in re.findall(r"(?:pydeepdream|DISTRIBUTION\})\\?\[([a-z,]+)", text):
            named |= set(extras.split(","))
        named |= set(re.findall(r"pip_install\(['\"](\w+)['\"]\)", text))
    assert {"dask", "flow", "plot"} <= named <= set(project["optional-dependencies"])


def test_the_gpu_extra_is_the_same_tensorflow_with_libraries(project):
    (plain,) = (each for each in project["dependencies"] if each.startswith("tensorflow"))
    assert project["optional-dependencies"]["gpu"] == [plain.replace("tensorflow", "tensorflow[and-cuda]", 1)]


def test_the_list_without_tensorflow_is_whole(root, project):
    """Keras is TensorFlow's here, and comes with it."""
    text = (root / "docs" / "getting-started.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"--no-deps pydeepdream\n\$ pip install (.*)", text)
    needed = {re.split("[><=]", need)[0] for need in project["dependencies"]}
    assert set(listed.split()) == needed - {"tensorflow", "keras"}


def test_wheels_are_built_for_pythons_that_the_project_takes(root, project):
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    wheels = tomllib.loads(text)["tool"]["cibuildwheel"]
    first, *others = (int(each.removeprefix("cp3").removesuffix("-*")) for each in wheels["build"].split())
    assert project["requires-python"] == f">=3.{first}"
    assert others == [*range(first + 1, first + 1 + len(others))]
    assert wheels["test-command"] == "pydream selftest"
