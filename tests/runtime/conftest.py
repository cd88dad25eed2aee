"""Layers and networks are tested on every runtime."""

from functools import partial

import pytest
from support import nets

from pydream.runtime.engines import RUNTIMES


@pytest.fixture(scope="session", params=list(RUNTIMES))
def build(request):
    """`nets.build` on the runtime that it is the turn of."""
    return partial(nets.build, runtime=request.param)
