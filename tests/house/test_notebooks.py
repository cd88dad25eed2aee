"""The notebooks of examples/ run from top to bottom, and what is stored in them is what a run leaves."""

import base64
import io
import re
import shutil
import subprocess
import sys

import ipykernel.kernelspec
import nbclient
import nbformat
import PIL.Image
import pytest

NOTEBOOKS = {"dream.ipynb": "image/jpeg", "native_vs_numpy.ipynb": "image/png"}  # and what its pictures are
# A test repeats less than the stored run did: its pictures and times, but for the cells of EXACT, are not compared.
LESS = {
    "dream.ipynb": {"range(40)": "range(2)", "PICTURE, 384": "PICTURE, 150", "frames=11": "frames=6"},
    "native_vs_numpy.ipynb": {"rounds=10": "rounds=1", "rounds=15": "rounds=1", "(1080, 1920)": "(600, 1030)"},
}
EXACT = {"dream.ipynb": ["layers", "preprocess", "octaves", "exact"], "native_vs_numpy.ipynb": ["bits", "steps"]}


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def kinds(cell):
    """What a cell put out, in order: streams and kinds of pictures. In how many pieces it printed is chance."""
    found = []
    for output in cell.outputs:
        kind = output.name if output.output_type == "stream" else (output.output_type, *sorted(output.get("data", ())))
        if kind not in found[-1:] or output.output_type != "stream":
            found.append(kind)
    return found


@pytest.fixture(params=NOTEBOOKS)
def name(request):
    return request.param


@pytest.fixture
def stored(root, name):
    return read(root / "examples" / name)


@pytest.fixture
def checkout(root, tmp_path):
    """A copy of what the notebooks need."""
    for file in ("examples/sky.jpg", "pydream/testing/golden.npz"):
        (tmp_path / file).parent.mkdir(parents=True)
        shutil.copy(root / file, tmp_path / file)
    return tmp_path


@pytest.fixture
def kernel(tmp_path_factory, monkeypatch):
    """The name of a kernel that is this interpreter; nothing of the user's home is read or written."""
    home = tmp_path_factory.mktemp("home")
    for variable in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        (home / variable).mkdir()
        monkeypatch.setenv(variable, str(home / variable))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a notebook's plots go into it
    ipykernel.kernelspec.write_kernel_spec(home / "JUPYTER_DATA_DIR" / "kernels" / "tested")
    return "tested"


def test_run(name, stored, checkout, kernel):
    """An error in a cell, a false assertion among them, is raised here."""
    run = nbformat.from_dict(stored)
    found = set()
    for cell in code_cells(run):
        cell.outputs, cell.execution_count = [], None
        for long, short in LESS[name].items():
            if long in cell.source:
                cell.source = cell.source.replace(long, short)
                found.add(long)
    assert found == set(LESS[name])
    resources = {"metadata": {"path": str(checkout / "examples")}}
    nbclient.NotebookClient(run, kernel_name=kernel, timeout=300, resources=resources).execute()
    kept = {cell.id: cell for cell in code_cells(stored)}
    for cell in code_cells(run):
        assert kinds(cell) == kinds(kept[cell.id]), f"{cell.id}: run the notebook again and store it"
        if cell.id in EXACT[name]:
            assert printed(cell) == printed(kept[cell.id])
    assert set(EXACT[name]) <= set(kept)


def test_outputs(name, stored):
    cells = code_cells(stored)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    pictures = 0
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", f"{cell.id}: {output.text}"
            for picture in [value for kind, value in output.get("data", {}).items() if kind.startswith("image/")]:
                assert NOTEBOOKS[name] in output.data
                PIL.Image.open(io.BytesIO(base64.b64decode(picture))).load()
                pictures += 1
    assert pictures >= 3


def test_no_traces_of_a_machine(stored):
    for cell in code_cells(stored):
        texts = [printed(cell)]
        for output in cell.outputs:
            texts += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
        for text in [*texts, cell.source, str(cell.metadata)]:
            found = re.search(r"(/(home|mnt|opt|private|root|tmp|usr|Users|var|work)\b|\w:\\)\S*", text)
            assert not found, f"{cell.id}: {found}"
    assert stored.metadata.kernelspec == {"display_name": "Python 3", "language": "python", "name": "python3"}


def test_size(root, name):
    assert (root / "examples" / name).stat().st_size < 1_500_000


def test_lint(root, name):
    for command in (["check"], ["format", "--check"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, f"examples/{name}"], cwd=root, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stdout + run.stderr


def test_links(root, stored):
    text = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (root / "examples" / link).is_file(), link


@pytest.mark.parametrize("folder", [".", "examples"])
def test_dream_finds_its_picture(root, checkout, monkeypatch, folder):
    setup = next(cell.source for cell in read(root / "examples" / "dream.ipynb").cells if cell.id == "setup")
    monkeypatch.chdir(checkout / folder)
    names = {}
    exec(setup, names)
    assert names["PICTURE"].samefile(checkout / "examples" / "sky.jpg")
    monkeypatch.chdir(checkout / "pydream" / "testing")
    with pytest.raises(FileNotFoundError, match="set ROOT to a checkout"):
        exec(setup, {})
