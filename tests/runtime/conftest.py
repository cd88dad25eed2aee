"""Layers and networks are tested on every runtime, those of installed packages included."""

from functools import partial

import pytest
from support import nets

from pydream.runtime.engines import AUTO, runtime_names


@pytest.fixture(scope="session", params=[name for name in runtime_names() if name != AUTO])
def build(request):
    """`nets.build` on the runtime that it is the turn of."""
    return partial(nets.build, runtime=request.param)
