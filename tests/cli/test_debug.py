"""--debug prints what pydream logs; without it nothing of that is seen, and afterwards nothing either."""

import logging

import pytest

DREAM = [
    "dream",
    "noise:48x48",
    "-o",
    "out.png",
    "-l",
    "fire2/concat",
    "--octaves",
    "1",
    "-n",
    "1",
    "--runtime",
    "numpy",
]
LINE = "pydream: info: dreaming on 48x48 pixels with fire2/concat: 1 octaves of 1 steps\n"


@pytest.mark.parametrize("args", [["--debug", *DREAM], [*DREAM, "--debug"]])
def test_debug_shows_the_log(run, folder, args):
    seen = run(*args)
    assert seen.code == 0
    assert LINE in seen.err
    assert "pydream: debug: squeezenet_v1.1: from " in seen.err
    assert not [each for each in logging.getLogger("pydream").handlers if not isinstance(each, logging.NullHandler)]


def test_without_it_nothing_is_shown(run, folder):
    seen = run(*DREAM)
    assert seen.code == 0
    assert "info" not in seen.err
    assert "debug" not in seen.err
