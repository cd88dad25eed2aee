"""An sdist builds a wheel from PyPI alone, and the wheel holds all that a dream needs."""

import subprocess
import sys
import zipfile

import pytest

from pydream.errors import DISTRIBUTION

NEEDED = [
    "pydream/py.typed",
    "pydream/imageops/_native.pyi",
    "pydream/runtime/on_native/_kernels.pyi",
    "pydream/models/squeezenet_v1.1/README.md",
    "pydream/models/squeezenet_v1.1/LICENSE",
    "pydream/models/squeezenet_v1.1/deploy.prototxt",
    "pydream/models/squeezenet_v1.1/squeezenet_v1.1.caffemodel",
    "pydream/models/bvlc_googlenet/deploy.prototxt",
    "pydream/models/bvlc_alexnet/deploy.prototxt",
    "pydream/dream/labels/LICENSE",
    "pydream/dream/labels/LICENSE-wordnet.txt",
    "pydream/dream/labels/README.md",
    "pydream/dream/labels/ilsvrc2012.txt",
    "pydream/dream/labels/words.txt",
    "pydream/examples/sky.jpg",
    "pydream/examples/flowers.jpg",
    "pydream/reproduce/known.json",
    "pydream/reproduce/page.css",
    "pydream/media/page.css",
    "pydream/media/gallery.css",
    "pydream/media/gallery.js",
    "pydream/media/map.css",
    "pydream/media/map.js",
]


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """Source archive first, then the wheel from it, each in an environment of its own."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(root)], check=True, capture_output=True)
    (sdist,) = out.glob(f"{DISTRIBUTION}-*.tar.gz")
    assert sdist.stat().st_size < 10e6
    (wheel,) = out.glob(f"{DISTRIBUTION}-*.whl")
    return wheel


def test_contents(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert set(NEEDED) <= set(names)
    for module in ("pydream/imageops/_native.", "pydream/runtime/on_native/_kernels."):
        assert sum(name.startswith(module) and name.endswith(".so") for name in names) == 1
    assert not [name for name in names if name.startswith(("tests/", "csrc/", "models/", "examples/"))]
    assert not [name for name in names if name.endswith((".h", ".a", ".cmake", ".pc")) or "libpydream" in name]


def test_a_dream_from_the_wheel(wheel, root, tmp_path):
    """Unpacked elsewhere and run from there: nothing of the checkout is used."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "import sys; sys.path.insert(0, 'site')\n"
        "import pydream, pydream.cli\n"
        "assert pydream.__file__.startswith(sys.argv[1]), pydream.__file__\n"
        "pydream.cli.main(['dream', sys.argv[2], '-o', 'out.png', '--octaves', '1', '--iterations', '1'])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "site"), str(root / "examples" / "sky.jpg")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out.png").stat().st_size > 10_000


def test_our_pictures_come_with_the_wheel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pydream.reproduce.results import example\n"
        "assert str(example('flowers.jpg')).startswith(sys.argv[1]) and example('flowers.jpg').is_file()\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=tmp_path, check=True)
