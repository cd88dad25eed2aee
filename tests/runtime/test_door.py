"""TensorFlow's import leaves the process as it was."""

import gc

from pydream.runtime.on_tensorflow import door


def test_garbage_is_looked_for_again():
    assert gc.isenabled()
    with door._garbage_kept():
        assert not gc.isenabled()
        with door._garbage_kept():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
