"""A studio is killed while it dreams; ``tests/tools/studio_kills.py`` does so at random moments, and for longer."""

import pytest
from support.browsers import CHROMIUM
from tools.studio_kills import make_inputs, one_round, quiet_run


@pytest.mark.slow
def test_browser_and_server_are_killed_in_the_middle_of_a_dream(tmp_path):
    inputs = tmp_path / "inputs"
    quiet = quiet_run("dream", make_inputs(inputs), inputs, tmp_path / "quiet")
    assert [name for name in quiet.files if name.startswith("dreams/")] == ["dreams/in-1.png"]
    kills = [(0.1, "browser"), (0.3, "server")]  # whose worker ends with it
    in_time, wrong = one_round(quiet, inputs, tmp_path / "killed", kills, CHROMIUM)
    assert wrong == ""
    assert in_time == len(kills)
