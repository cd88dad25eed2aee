"""Films as few are: without times, of unknown codecs, damaged in places that most are not."""

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from support.clips import moving_square, write_clip

from pydream.errors import MissingExtraError, VideoFileError
from pydream.files import file_sha256
from pydream.media.video import read_video
from pydream.media.video.libav import read_errors


def patched(path, place, content):
    whole = bytearray(path.read_bytes())
    whole[place : place + len(content)] = content
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("ticks", "found"),
    [([0], [0, 1]), ([0, 100], [0, 100, 200]), ([0, 100, 350], [0, 100, 350, 600])],
)
def test_a_last_frame_of_no_duration_is_shown_as_long_as_the_one_before(tmp_path, ticks, found):
    """A single one for what libav takes for the rate."""
    frames = moving_square(len(ticks))
    clip = write_clip(tmp_path / "in.mkv", frames, codec="ffv1", ticks=ticks, tick=Fraction(1, 1000))
    patched(clip, clip.read_bytes().index(b"\x23\xe3\x83\x84"), b"\xec\x86" + bytes(6))  # a void; it was the usual one
    times = read_video(clip).times
    assert (list(times.ticks), times.tick) == (found, Fraction(1, 1000))


def test_ticks_that_no_mp4_counts_are_coarser(tmp_path):
    """No two frames are shown at once."""
    clip = write_clip(
        tmp_path / "in.mp4", moving_square(4), ticks=[0, 1, 100_000, 160_000], tick=Fraction(1, 2_000_000)
    )
    times = read_video(clip).times
    assert times.tick == Fraction(1, 90_000)
    assert list(times.ticks)[:4] == [0, 1, 4500, 7200]


@pytest.mark.parametrize("name", ["in.avi", "in.mkv"])
def test_a_codec_that_nobody_knows(tmp_path, name):
    clip = write_clip(tmp_path / name, moving_square(2), codec="ffv1")
    clip.write_bytes(clip.read_bytes().replace(b"FFV1", b"ZQZQ"))
    with pytest.raises(VideoFileError) as raised:
        read_video(clip)
    assert str(raised.value) == f"'{clip}' is in a format that this PyAV cannot decode"


def test_a_container_that_is_damaged_in_the_middle(tmp_path):
    """What comes before can be seen."""
    clip = write_clip(tmp_path / "in.apng", moving_square(6), codec="apng", pix_fmt="rgb24")
    content = clip.read_bytes()
    controls = [place for place in range(len(content)) if content.startswith(b"fcTL", place)]
    patched(clip, controls[3] + 8, (10**6).to_bytes(4, "big"))  # its width
    footage = read_video(clip)
    assert (len(footage), footage.damaged) == (3, 1)
    np.testing.assert_array_equal(list(footage.frames()), moving_square(6)[:3])


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), av.error.InvalidDataError(1, "Input/output error")]
)
def test_an_error_of_the_disk(error):
    with pytest.raises(VideoFileError) as raised, read_errors(Path("in.mp4")):
        raise error
    assert str(raised.value) == "cannot read 'in.mp4': Input/output error"


def test_without_pyav(tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "in.mp4", moving_square(1))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"^reading a film needs PyAV \(.*\): pip install av$"):
        read_video(clip)


def test_the_hash_of_a_film_is_its_files(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", moving_square(1))
    assert read_video(clip).sha256() == file_sha256(clip)
