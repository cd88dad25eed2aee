"""A folder of pictures, and an animated WebP, are films: their order, times and colours."""

import hashlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.clips import moving_ramp
from support.profiles import DISPLAY_P3, in_srgb, rgb_profile

from pydream.errors import ImageFileError, VideoFileError
from pydream.files import file_sha256
from pydream.media import write_image
from pydream.media.video import Section, is_film, read_video
from pydream.media.video.stills import is_webp, natural_order, read_frames

FRAMES = moving_ramp(5, 16, 24)
RATE = Fraction(10)


@pytest.fixture
def files(tmp_path):
    """Frames 8 to 12, in the order of their names as text: 10, 11, 12, 8, 9."""
    paths = [tmp_path / f"f{number}.png" for number in range(8, 13)]
    for path, frame in zip(paths, FRAMES, strict=True):
        write_image(path, frame)
    return sorted(paths)


def animation(path, durations, frames=FRAMES, **options):
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, lossless=True, **options)
    return path


def test_names_are_sorted_by_their_numbers():
    names = ["b1", "a10", "a2", "a2b", "a02", "a", "10", "9"]
    assert sorted(map(Path, names), key=natural_order) == list(
        map(Path, ["9", "10", "a", "a02", "a2", "a2b", "a10", "b1"])
    )


# ---- a folder ----


def test_a_folder_is_a_film(files, tmp_path):
    seen = []
    footage = read_frames(tmp_path, files, RATE, on_frame=lambda: seen.append(len(seen)))
    assert seen == [0, 1, 2, 3, 4]
    assert (footage.path, footage.size, footage.first, footage.rate, footage.sound) == (tmp_path, (16, 24), 0, 10, None)
    assert [tick * footage.times.tick for tick in footage.times.ticks] == [n / RATE for n in range(6)]
    np.testing.assert_array_equal(list(footage.frames()), FRAMES)
    np.testing.assert_array_equal(list(footage.frames(3)), FRAMES[3:])
    hashes = [file_sha256(tmp_path / f"f{number}.png") for number in range(8, 13)]
    assert footage.sha256() == hashlib.sha256("".join(hashes).encode()).hexdigest()


@pytest.mark.parametrize("section", [Section(1, 3), Section(start=Fraction(1, 10), stop=Fraction(3, 10))])
def test_a_section_of_a_folder(files, tmp_path, section):
    footage = read_frames(tmp_path, files, RATE, section)
    assert (len(footage), footage.first) == (2, 1)
    assert list(footage.times.ticks) == [1, 2, 3]
    np.testing.assert_array_equal(list(footage.frames()), FRAMES[1:3])


def test_colours_of_a_folder(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(FRAMES[0]).save(path, icc_profile=rgb_profile(DISPLAY_P3))
    (kept,) = read_frames(tmp_path, [path], RATE, to_srgb=False).frames()
    np.testing.assert_array_equal(kept, FRAMES[0])
    (converted,) = read_frames(tmp_path, [path], RATE).frames()
    assert np.abs(converted - in_srgb(FRAMES[0], DISPLAY_P3)).max() <= 2


def test_what_is_no_folder_of_frames(files, tmp_path):
    with pytest.raises(VideoFileError) as raised:
        read_frames(tmp_path, [], RATE)
    assert str(raised.value) == f"'{tmp_path}' has no readable frame"
    with pytest.raises(VideoFileError) as raised:
        read_frames(tmp_path, files, RATE, Section(9))
    assert str(raised.value) == f"'{tmp_path}' has no frame there, only 5 in the 0.4 s before"
    write_image(tmp_path / "f10.png", FRAMES[0][:8])
    with pytest.raises(VideoFileError) as raised:
        read_frames(tmp_path, files, RATE)
    assert str(raised.value) == f"frames have one size: 'f8.png' is 24×16, '{tmp_path / 'f10.png'}' is 24×8"
    assert len(read_frames(tmp_path, files, RATE, Section(0, 2))) == 2  # it is in no other section
    (tmp_path / "f10.png").write_text("no picture")
    with pytest.raises(ImageFileError, match=r"f10\.png' is not a picture"):
        read_frames(tmp_path, files, RATE)


def test_a_frame_that_changes_while_it_is_dreamt_on(files, tmp_path):
    footage = read_frames(tmp_path, files, RATE)
    write_image(tmp_path / "f12.png", FRAMES[0][:8])
    with pytest.raises(VideoFileError) as raised:
        list(footage.frames())
    assert str(raised.value) == f"'{tmp_path}' has changed: its frames have another size"


# ---- WebP ----


@pytest.mark.parametrize(
    ("content", "webp"),
    [(b"RIFF\0\0\0\0WEBPVP8 ", True), (b"RIFF\0\0\0\0AVI LIST", False), (b"RIFF", False), (b"", False)],
)
def test_a_webp_by_its_first_bytes(tmp_path, content, webp):
    path = tmp_path / "a.webp"
    path.write_bytes(content)
    assert is_webp(path) is webp
    assert not is_webp(tmp_path / "none")


@pytest.mark.parametrize(
    ("durations", "milliseconds", "rate"),
    [
        (40, [0, 40, 80, 120, 160, 200], Fraction(25)),
        ([40, 80, 40, 10, 30], [0, 40, 120, 160, 170, 200], None),
        (0, [0, 100, 200, 300, 400, 500], Fraction(10)),  # unsaid
    ],
)
def test_an_animation_is_a_film(tmp_path, durations, milliseconds, rate):
    path = animation(tmp_path / "a.webp", durations)
    seen = []
    footage = read_video(path, on_frame=lambda: seen.append(len(seen)))
    assert seen == [0, 1, 2, 3, 4]
    assert (footage.size, footage.rate, footage.first) == ((16, 24), rate, 0)
    assert [1000 * tick * footage.times.tick for tick in footage.times.ticks] == milliseconds
    np.testing.assert_array_equal(list(footage.frames()), FRAMES)
    assert footage.sha256() == file_sha256(path)


def test_a_section_of_an_animation(tmp_path):
    path = animation(tmp_path / "a.webp", [40, 80, 40, 10, 30])
    footage = read_video(path, Section(1, 3))
    assert (len(footage), footage.first, footage.rate) == (2, 1, None)
    assert list(footage.times.ticks) == [40, 120, 160]
    np.testing.assert_array_equal(list(footage.frames(1)), FRAMES[2:3])
    assert read_video(path, Section(3, 4)).rate == 100  # of that one
    with pytest.raises(VideoFileError) as raised:
        read_video(path, Section(5))
    assert str(raised.value) == f"'{path}' has no frame there, only 5 in the 0.17 s before"


def test_a_still_webp_is_a_film_of_one_frame(tmp_path):
    path = tmp_path / "a.webp"
    Image.fromarray(FRAMES[0]).save(path, lossless=True)
    footage = read_video(path)
    assert (len(footage), footage.rate) == (1, 10)
    np.testing.assert_array_equal(list(footage.frames()), FRAMES[:1])


def test_transparent_frames_are_on_white(tmp_path):
    clear = np.zeros((2, 16, 24, 4), np.uint8)
    clear[1, :8] = (200, 30, 30, 255)
    path = animation(tmp_path / "a.webp", 40, clear)
    first, second = read_video(path).frames()
    assert (first == 255).all()
    assert (second[:8] == (200, 30, 30)).all()
    assert (second[8:] == 255).all()


def test_colours_of_an_animation(tmp_path):
    path = animation(tmp_path / "a.webp", 40, icc_profile=rgb_profile(DISPLAY_P3))
    np.testing.assert_array_equal(list(read_video(path, to_srgb=False).frames()), FRAMES)
    converted = np.array(list(read_video(path).frames()), float)
    assert np.abs(converted - in_srgb(np.array(FRAMES), DISPLAY_P3)).max() <= 2


def test_a_damaged_animation(tmp_path):
    path = animation(tmp_path / "a.webp", 40)
    content = path.read_bytes()
    for end in (13, len(content) // 2):
        path.write_bytes(content[:end])
        with pytest.raises(ImageFileError, match=f"^'{path}' is (not a picture|damaged or cut short)"):
            read_video(path)
    with pytest.raises(VideoFileError, match=f"^'{tmp_path}' is a folder, not a film$"):
        read_video(tmp_path)


def test_an_animation_that_changes_while_it_is_dreamt_on(tmp_path):
    path = animation(tmp_path / "a.webp", 40)
    footage = read_video(path)
    animation(path, 40, FRAMES[:3])
    with pytest.raises(VideoFileError) as raised:
        list(footage.frames())
    assert str(raised.value) == f"'{path}' has changed: frame 3 is missing"


@pytest.mark.parametrize(("name", "film"), [("a.mp4", True), ("A.GIF", True), ("a.webp", False), ("mp4", False)])
def test_a_film_by_its_name(name, film):
    assert is_film(name) is film
