"""A few of the calls that `python tests/tools/torture.py` lets fail: one line or success, and nothing half or lost."""

import os
import re
import shutil
import subprocess
import sys

import pytest

COMMANDS = ["dream over", "models add over", "studio, result"]
EVERY = 13  # it has no divisor in common with the number of errors


def test_some_calls_of_some_commands_fail(root):
    if shutil.which("cc") is None:
        pytest.skip("NOT PROVEN HERE: no C compiler")
    only = [word for name in COMMANDS for word in ("--only", name)]
    command = [sys.executable, "tests/tools/torture.py", *only, "--every", str(EVERY)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    cases, hit = re.search(r"(\d+) cases \((\d+) hit\)", ended.stdout.splitlines()[-1]).groups()
    assert int(cases) == int(hit) > 20
