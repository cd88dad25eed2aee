"""An interrupted `deepdream` that nothing caught shows its picture in IPython, and keeps it."""

import subprocess
import sys
from io import BytesIO

import pytest
from PIL import Image

import pydream

CELL = """
import numpy
class Stop(pydream.Watch):
    def step(self, octave, iteration, image):
        if iteration == 1:
            raise KeyboardInterrupt
picture = numpy.full((48, 64, 3), 128.0)
pydream.deepdream(net, picture, octave_n=1, iter_n=3, end="fire2/concat", watch=Stop())
"""


@pytest.fixture
def shell(squeezenet32):
    shells = pytest.importorskip("IPython.core.interactiveshell")
    from traitlets.config import Config

    made = shells.InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    made.push({"pydream": pydream, "net": squeezenet32})
    yield made
    shells.InteractiveShell.clear_instance()


def test_the_picture_is_shown_and_kept(shell):
    from IPython.utils.capture import capture_output

    with capture_output() as seen:
        ended = shell.run_cell(CELL)
    assert isinstance(ended.error_in_exec, pydream.DreamInterrupted)
    (output,) = seen.outputs
    assert Image.open(BytesIO(output.data["image/png"])).size == (64, 48)
    text = "DreamInterrupted: after 2 steps; the dream so far is sys.last_value.image"
    assert text in seen.stdout + seen.stderr
    assert sys.last_value.image.shape == (48, 64, 3)


def test_without_ipython():
    """It is asked for nowhere: this Python cannot import it."""
    program = (
        "import sys\n"
        "sys.modules['IPython'] = None\n"
        "import numpy as np, pydream\n"
        "pydream.Preview().step(0, 0, None)\n"
        "print(*pydream.DreamInterrupted(np.zeros((4, 4, 3)), 1)._render_traceback_())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "DreamInterrupted: after 1 steps; the dream so far is sys.last_value.image\n"
    assert done.stderr == ""
