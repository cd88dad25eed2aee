"""The logger says what work does, to those that listen; others do not pay for it."""

import logging
import subprocess
import sys

import numpy as np

import pydream
from pydream import logs


def test_a_dream_says_what_it_does(caplog):
    with caplog.at_level(logging.DEBUG, "pydream"):
        net = pydream.load_net("squeezenet_v1.1", runtime="numpy")
        pydream.deepdream(net, np.full((48, 64, 3), 128.0), octave_n=2, iter_n=1, end="fire2/concat")
    lines = [record.getMessage() for record in caplog.records]
    assert "squeezenet_v1.1 runs on numpy, CPU:0, float32" in lines
    assert "dreaming on 64x48 pixels with fire2/concat: 2 octaves of 1 steps" in lines
    assert "octave 2 of 2: 2 steps done" in lines
    by_level = {record.levelname for record in caplog.records}
    assert by_level == {"INFO", "DEBUG"}  # what is wrong with an input is a warning
    assert {record.module for record in caplog.records} >= {"load", "notebook", "fitting"}  # and not `logs`


def test_nothing_is_printed_unless_asked_for():
    program = (
        "import logging, pydream.logs\n"
        "pydream.logs.info('unheard')\n"
        "assert any(isinstance(each, logging.NullHandler) for each in logging.getLogger('pydream').handlers)\n"
        "logging.basicConfig(level='INFO')\n"
        "pydream.logs.debug('a detail')\n"
        "pydream.logs.info('heard, %s', 1)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "INFO:pydream:heard, 1\n")


def test_a_record_is_one_line(caplog):
    """Names are strangers': of networks, layers and files."""
    with caplog.at_level(logging.INFO, "pydream"):
        logs.info("%s runs", "net\n\x1b[31mERROR")
    assert [record.getMessage() for record in caplog.records] == [r"net\n\x1b[31mERROR runs"]


def test_logging_is_not_imported_for_nobody():
    program = "import sys, pydream.logs as logs; logs.info('a'); print('logging' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_levels_are_pythons():
    assert (logs.DEBUG, logs.INFO) == (logging.DEBUG, logging.INFO)
