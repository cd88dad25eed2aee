"""Files are read by forked readers here; `test_apart.py` has the real ones."""

import pytest


@pytest.fixture(autouse=True)
def _forked(forked_readers):
    pass
