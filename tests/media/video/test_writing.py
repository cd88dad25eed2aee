"""Films decode to the frames that went in, are the same file twice, and are whole or not there."""

import builtins
import os
import stat
import struct
import subprocess
import sys
import weakref
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image
from support.clips import moving_ramp, moving_square

from pydream.errors import VideoFileError
from pydream.media.image import LONGEST_NOTE
from pydream.media.video import WRITABLE, Times, check_video, write_video

COLOURS = [
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 100, 50), (255, 255, 0),
]  # fmt: skip
both = pytest.mark.parametrize("suffix", WRITABLE)


def bars(height: int = 32, width: int = 32) -> np.ndarray:
    """Upright bars, each of one colour."""
    return np.tile(np.repeat(np.array(COLOURS, np.uint8), width, axis=0), (height, 1, 1))


def decoded(path: Path) -> list[np.ndarray]:
    """Return the frames as a player shows them, by the file's own tags."""
    if path.suffix == ".gif":
        with Image.open(path) as film:
            return [np.asarray((film.seek(n), film.convert("RGB"))[1]) for n in range(film.n_frames)]
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def delays(path: Path) -> list[int]:
    """Hundredths of a second for which each frame of a GIF is shown."""
    with Image.open(path) as film:
        return [(film.seek(n), film.info["duration"])[1] // 10 for n in range(film.n_frames)]


def boxes(content: bytes) -> list[bytes]:
    """Names of an MP4's outermost parts, in order."""
    names, at = [], 0
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        names.append(content[at + 4 : at + 8])
        at += size
    return names


# ---- frames ----


@both
def test_frames_come_back_in_order(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    frames = moving_ramp()
    write_video(path, frames)
    again = decoded(path)
    assert len(again) == len(frames)
    for n, frame in enumerate(again):
        distances = [np.abs(np.float32(frame) - given).mean() for given in frames]
        assert np.argmin(distances) == n
        # Colours are half as sharp, or 256 in all, dithered: up to 8. From one frame to the next it is 60.
        assert distances[n] < 10
        assert sorted(distances)[1] > 50


@both
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2), (2, 1), (3, 5), (48, 63), (47, 64), (48, 64)])
def test_sizes(tmp_path, suffix, height, width):
    path = tmp_path / f"out{suffix}"
    write_video(path, [np.full((height, width, 3), 77, np.uint8)] * 3)
    for frame in decoded(path):
        wanted = (height, width) if suffix == ".gif" else (height + height % 2, width + width % 2)
        assert frame.shape == (*wanted, 3)
        assert np.abs(frame.astype(int) - 77).max() <= 1


def test_an_odd_picture_is_not_cropped(tmp_path):
    frame = bars(33, 32)[:, :-1]
    write_video(tmp_path / "out.mp4", [frame], quality=100)
    (again,) = decoded(tmp_path / "out.mp4")
    assert again.shape == (34, 256, 3)
    np.testing.assert_allclose(again[-2:, -16:], np.broadcast_to(COLOURS[-1], (2, 16, 3)), atol=3)


@both
def test_values_are_clipped_as_in_a_picture(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    frame = np.repeat(np.array([-300.0, 128.9, 999.0]), 16 * 16).reshape(3 * 16, 16)
    write_video(path, [np.stack([frame] * 3, -1)])
    (again,) = decoded(path)
    assert [int(again[y, 8, 0]) for y in (8, 24, 40)] == pytest.approx([0, 128, 255], abs=1)


@both
def test_one_array_may_be_written_anew(tmp_path, suffix):
    path, frames = tmp_path / f"out{suffix}", moving_ramp()
    write_video(path, frames)

    def reused():
        array = np.empty_like(frames[0])
        for frame in frames:
            array[:] = frame
            yield array

    write_video(tmp_path / f"again{suffix}", reused())
    assert (tmp_path / f"again{suffix}").read_bytes() == path.read_bytes()


@both
def test_frames_are_asked_for_one_by_one(tmp_path, suffix):
    alive = []

    def frames():
        for n in range(100):
            frame = np.full((16, 16, 3), n, np.uint8)
            alive.append(weakref.ref(frame))
            assert sum(reference() is not None for reference in alive) <= 3  # two of them are in variables
            yield frame

    write_video(tmp_path / f"out{suffix}", frames())
    assert len(decoded(tmp_path / f"out{suffix}")) == len(alive) == 100


def test_the_temporary_file_grows_while_frames_are_made(tmp_path):
    sizes = []

    def frames():
        for frame in moving_ramp(120):
            sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
            yield frame

    write_video(tmp_path / "out.gif", frames())
    assert sizes[0] == 0
    assert sizes[60] < sizes[119]


# ---- colours ----


def test_mp4_is_bt709_in_limited_range(tmp_path):
    path = tmp_path / "out.mp4"
    write_video(path, [bars()] * 2)
    with av.open(str(path)) as film:
        context = film.streams.video[0].codec_context
        frame = next(film.decode(video=0))
    assert context.pix_fmt == "yuv420p"
    assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 1)
    planes = frame.to_ndarray()
    luma, chroma = planes[:32], planes[32:].reshape(2, 16, 128)
    for n, (red, green, blue) in enumerate(np.array(COLOURS) / 255):
        y = 0.2126 * red + 0.7152 * green + 0.0722 * blue  # ITU-R BT.709, items 3.2 to 3.4
        wanted = [16 + 219 * y, 128 + 224 * (blue - y) / 1.8556, 128 + 224 * (red - y) / 1.5748]
        found = [luma[16, 32 * n + 16], *chroma[:, 8, 16 * n + 8]]
        np.testing.assert_allclose(np.float64(found), wanted, atol=1)  # rounding, and what a CRF of 17 adds


@both
def test_colours(tmp_path, suffix):
    """One step of luma or chroma is up to two of RGB, and x264 may be a step off; a GIF has each colour of eight."""
    path = tmp_path / f"out{suffix}"
    write_video(path, [bars()] * 2)
    for frame in decoded(path):
        middles = frame[16, 16::32]
        np.testing.assert_allclose(middles.astype(int), COLOURS, atol=3)


def test_full_accuracy_decoding_gives_the_colours_too(tmp_path):
    write_video(tmp_path / "out.mp4", [bars()])
    with av.open(str(tmp_path / "out.mp4")) as film:
        frame = next(film.decode(video=0))
    rgb = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG)
    np.testing.assert_allclose(rgb.to_ndarray()[16, 16::32].astype(int), COLOURS, atol=3)


def test_better_quality_is_nearer_and_larger(tmp_path):
    draw = np.random.default_rng(0)
    frames = [frame // 2 + draw.integers(0, 99, frame.shape, np.uint8) for frame in moving_ramp(10)]
    sizes, errors = [], []
    for quality in (1, 50, 75, 90, 100):
        path = tmp_path / f"{quality}.mp4"
        write_video(path, frames, quality=quality)
        sizes.append(path.stat().st_size)
        errors.append(np.mean([np.abs(np.float32(a) - b).mean() for a, b in zip(decoded(path), frames, strict=True)]))
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert sizes[0] < sizes[-1] / 3


# ---- time ----


@pytest.mark.parametrize(
    ("fps", "wanted"),
    [(25, 25), (0.1, Fraction(1, 10)), (29.97, Fraction(2997, 100)), (Fraction(30000, 1001), None), (240, 240)],
)
def test_mp4_frame_rate(tmp_path, fps, wanted):
    write_video(tmp_path / "out.mp4", moving_ramp(4), fps=fps)
    with av.open(str(tmp_path / "out.mp4")) as film:
        stream = film.streams.video[0]
        assert stream.average_rate == (wanted or fps)
        times = [frame.pts * stream.time_base for frame in film.decode(video=0)]
    assert times == [n / Fraction(wanted or fps) for n in range(4)]


@pytest.mark.parametrize(
    ("fps", "wanted"), [(25, [4] * 6), (50, [2] * 6), (30, [3, 4, 3, 3, 4, 3]), (0.1, [1000] * 6), (12.5, [8] * 6)]
)
def test_gif_delays(tmp_path, fps, wanted):
    write_video(tmp_path / "out.gif", moving_ramp(6), fps=fps)
    assert delays(tmp_path / "out.gif") == wanted


def test_a_gif_keeps_time(tmp_path):
    fps = Fraction(30000, 1001)
    write_video(tmp_path / "out.gif", moving_ramp(90, 4, 4), fps=fps)
    shown = delays(tmp_path / "out.gif")
    for n, begin in enumerate(np.cumsum(shown)):
        assert abs(begin - 100 * (n + 1) / fps) <= 0.5
    assert set(shown) == {3, 4}


def test_a_gif_runs_for_ever(tmp_path):
    write_video(tmp_path / "out.gif", moving_ramp())
    with Image.open(tmp_path / "out.gif") as film:
        assert film.info["loop"] == 0


@both
@pytest.mark.parametrize("fps", [0, -25, float("nan"), float("inf"), 1e9, "25", None])
def test_impossible_rates(tmp_path, suffix, fps):
    refused(tmp_path / f"out{suffix}", r"fps: .*, expected 0\.1\.\.", fps=fps)


def test_a_gif_is_slower_than_a_film(tmp_path):
    refused(tmp_path / "out.gif", r"fps: 60, expected 0\.1\.\.50", fps=60)


def test_times_have_to_fit_the_frames(tmp_path):
    times = Times([0, 1, 2], Fraction(1, 25))
    with pytest.raises(VideoFileError, match="times for 2 frames, but there are more"):
        write_video(tmp_path / "out.mp4", moving_square(3), times=times)
    with pytest.raises(VideoFileError, match="fps"):
        write_video(tmp_path / "out.gif", moving_square(2), times=Times([0, 1, 2], Fraction(1, 100)))
    assert not list(tmp_path.iterdir())


# ---- the file ----


def test_the_index_comes_first(tmp_path):
    write_video(tmp_path / "out.mp4", moving_ramp())
    names = boxes((tmp_path / "out.mp4").read_bytes())
    assert names.index(b"moov") < names.index(b"mdat")


@pytest.mark.parametrize("length", [1, 255, 256, LONGEST_NOTE])
def test_note(tmp_path, length):
    note = ("0123456789" * (length // 10 + 1))[:length]
    for suffix in WRITABLE:
        write_video(tmp_path / f"out{suffix}", moving_ramp(2), note=note)
        assert len(decoded(tmp_path / f"out{suffix}")) == 2
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert film.metadata["comment"] == note
    with Image.open(tmp_path / "out.gif") as film:
        assert film.info["comment"] == note.encode()


@both
@pytest.mark.parametrize("note", ["é", "a\0b", "x" * (LONGEST_NOTE + 1)])
def test_a_note_that_no_file_keeps(tmp_path, suffix, note):
    with pytest.raises(VideoFileError, match=r"note: .* expected ASCII"):
        write_video(tmp_path / f"out{suffix}", moving_ramp(), note=note)
    assert not os.listdir(tmp_path)


@both
def test_the_same_frames_give_the_same_bytes(tmp_path, suffix):
    """Twice, in two processes, on one processor and on all: x264 by itself counts them, and its bytes with them."""
    program = (
        "import os, sys; sys.path[:0] = sys.argv[1:3]\n"
        "if sys.argv[4] == '1': os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from support.clips import moving_ramp; from pydream.media.video import write_video\n"
        "write_video(sys.argv[3], moving_ramp(30, 144, 176), note='note')"
    )
    tests = Path(__file__).parents[2]
    contents = []
    for processors in ("all", "1") if hasattr(os, "sched_setaffinity") else ("all",):
        path = tmp_path / f"{processors}{suffix}"
        arguments = [str(tests), str(tests.parent), str(path), processors]
        subprocess.run([sys.executable, "-c", program, *arguments], check=True)
        contents.append(path.read_bytes())
    write_video(tmp_path / f"here{suffix}", moving_ramp(30, 144, 176), note="note")
    contents.append((tmp_path / f"here{suffix}").read_bytes())
    assert all(a == b for a, b in pairwise(contents))
    assert b"Lavf" not in contents[0]


@both
def test_permissions_and_links(tmp_path, suffix):
    link, real = tmp_path / f"link{suffix}", tmp_path / f"real{suffix}"
    link.symlink_to(real)
    before = os.umask(0o027)
    try:
        write_video(link, moving_ramp())
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    real.chmod(0o604)
    write_video(link, moving_ramp())
    assert stat.S_IMODE(real.stat().st_mode) == 0o604


@both
@pytest.mark.parametrize("name", ["a b:c%03d,é", "-out", "http:", "pipe:1"])
def test_names_mean_nothing_to_ffmpeg(tmp_path, monkeypatch, suffix, name):
    monkeypatch.chdir(tmp_path)
    write_video(f"{name}{suffix}", moving_ramp())
    assert os.listdir(tmp_path) == [f"{name}{suffix}"]
    (tmp_path / f"{name}{suffix}").rename(tmp_path / f"out{suffix}")
    assert len(decoded(tmp_path / f"out{suffix}")) == 5


# ---- what goes wrong ----


@both
@pytest.mark.parametrize("error", [ValueError("mine"), OSError("mine"), KeyboardInterrupt(), GeneratorExit()])
@pytest.mark.parametrize("after", [0, 1, 60])
def test_what_the_frames_raise_passes_and_leaves_the_old_file(tmp_path, suffix, error, after):
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"old")

    def frames():
        yield from moving_ramp(after)
        raise error

    with pytest.raises(type(error)) as raised:
        write_video(path, frames())
    assert raised.value is error
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes() == b"old"


@both
def test_a_full_disk_leaves_the_old_file(tmp_path, suffix):
    """A limit on the file's size stands for it; in a process of its own, which it binds."""
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"old")
    program = (
        "import resource, sys, numpy as np\n"
        "from pydream.errors import VideoFileError; from pydream.media.video import write_video\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "draw = np.random.default_rng(0)\n"
        "try: write_video(sys.argv[1], (draw.integers(0, 256, (96, 96, 3), np.uint8) for _ in range(60)))\n"
        "except VideoFileError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"},  # it writes, too
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == f"cannot write '{path}': File too large\n"
    assert not run.stderr
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes() == b"old"


@both
def test_a_failure_to_rename_leaves_nothing(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(VideoFileError, match="Input/output error"):
        write_video(tmp_path / f"out{suffix}", moving_ramp())
    assert not os.listdir(tmp_path)


@both
@pytest.mark.parametrize(
    ("frames", "match"),
    [
        ([], "there are no frames"),
        ([np.zeros((4, 4), np.uint8)], "frame 1: shape"),
        ([np.zeros((4, 4, 3)), np.zeros((4, 4, 4))], "frame 2: shape"),
        ([np.zeros((4, 4, 3)), np.full((4, 4, 3), np.nan)], "frame 2: NaN among its pixels"),
        ([np.zeros((4, 4, 3), complex)], "frame 1: dtype complex128"),
        ([np.zeros((4, 6, 3)), np.zeros((4, 6, 3)), np.zeros((6, 4, 3))], "frame 3 is 4×6, the first is 6×4"),
    ],
)
def test_what_is_no_film(tmp_path, suffix, frames, match):
    with pytest.raises(VideoFileError, match=match) as raised:
        write_video(tmp_path / f"out{suffix}", frames)
    assert "\n" not in str(raised.value)
    assert not os.listdir(tmp_path)


# ---- before the work ----


def refused(path: object, match: str, **arguments: object) -> None:
    """Both refuse it, and no frame is made first."""
    with pytest.raises(VideoFileError, match=match) as raised:
        check_video(path, **arguments)
    assert "\n" not in str(raised.value)
    arguments.pop("size", None)
    with pytest.raises(VideoFileError, match=match):
        write_video(path, (pytest.fail("a frame was made") for _ in range(1)), **arguments)


@both
def test_check_leaves_nothing(tmp_path, suffix):
    check_video(tmp_path / f"out{suffix}", (4, 4), fps=25, quality=90)
    assert not os.listdir(tmp_path)
    (tmp_path / f"out{suffix}").write_bytes(b"old")
    check_video(str(tmp_path / f"out{suffix}"))
    assert (tmp_path / f"out{suffix}").read_bytes() == b"old"


def test_suffix_in_capitals(tmp_path):
    write_video(tmp_path / "out.GIF", moving_ramp())
    write_video(tmp_path / "out.MP4", moving_ramp())


@pytest.mark.parametrize("name", ["out", "out.mp3", "out.png", ".mp4", "out."])
def test_unknown_suffix(tmp_path, name):
    refused(tmp_path / name, r"expected \.mp4, \.gif")


@both
def test_places(tmp_path, suffix):
    refused(tmp_path / "no" / f"out{suffix}", "there is no folder")
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / f"out{suffix}", "is not a folder")
    (tmp_path / f"out{suffix}").mkdir()
    refused(tmp_path / f"out{suffix}", "it is a folder")
    os.mkfifo(tmp_path / f"pipe{suffix}")
    refused(tmp_path / f"pipe{suffix}", "special file")
    refused(tmp_path / f"a\0b{suffix}", "null")


@both
@pytest.mark.parametrize("quality", [0, 101, -1, 90.5, "90", None])
def test_quality_out_of_range(tmp_path, suffix, quality):
    refused(tmp_path / f"out{suffix}", r"quality: .*, expected a whole number, 1\.\.100", quality=quality)


@pytest.mark.parametrize(("suffix", "longest"), [(".mp4", 16384), (".gif", 65535)])
def test_the_longest_side(tmp_path, suffix, longest):
    path = tmp_path / f"out{suffix}"
    write_video(path, [np.zeros((1, longest, 3), np.uint8)])
    assert decoded(path)[0].shape[1] == longest
    check_video(path, (longest, longest))
    with pytest.raises(VideoFileError, match=f"at most {longest} pixels wide and high, the frames are 2×{longest + 1}"):
        check_video(path, (longest + 1, 2))
    with pytest.raises(VideoFileError, match=f"at most {longest} pixels"):
        write_video(path, [np.zeros((1, longest + 1, 3), np.uint8)])


def test_without_the_encoder(tmp_path, monkeypatch):
    def no_codec(name, mode):
        raise av.codec.codec.UnknownCodecError(name)

    monkeypatch.setattr(av, "Codec", no_codec)
    refused(tmp_path / "out.mp4", r"no encoder libx264, only .* for H\.264; .* or write a \.gif")
    write_video(tmp_path / "out.gif", moving_ramp())


def test_without_pyav(tmp_path, monkeypatch):
    import_ = builtins.__import__

    def without(name, *arguments):
        if name == "av":
            raise ImportError("libssl.so.3 is missing")
        return import_(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    refused(tmp_path / "out.mp4", r"PyAV cannot be imported \(libssl.so.3 is missing\)")
    write_video(tmp_path / "out.gif", moving_ramp())
