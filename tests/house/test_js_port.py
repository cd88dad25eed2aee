"""The port in JavaScript passes its vectors, where Node is installed."""

import shutil
import subprocess

import pytest

from pydream.testing import check_vectors, write_vectors

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="NOT PROVEN HERE: there is no Node")
@pytest.mark.parametrize(
    "stages",
    [
        pytest.param("roll zoom mean_abs ascend clip to_tensor ascend_tensor preprocess deprocess save octaves layer"
                     " network step", id="all but dreams"),
        pytest.param("dream", id="dreams", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_it_passes_the_vectors(root, tmp_path, stages):
    vectors, results = tmp_path / "vectors", tmp_path / "results"
    write_vectors(vectors, weights=True)
    program = root / "examples" / "ports" / "js" / "dream.mjs"
    subprocess.run([NODE, program, vectors, results, *stages.split()], check=True)
    assert check_vectors(results).steps
