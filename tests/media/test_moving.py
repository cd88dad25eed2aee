"""Films and animations where a picture is wanted: each names the command that takes it."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image
from support.clips import moving_square, write_clip

from pydream.errors import AnimationWarning, ImageFileError
from pydream.media import decode_image, read_image

FRAMES = [Image.fromarray(frame) for frame in moving_square(3)]


@pytest.mark.parametrize(
    "name", ["in.mp4", "in.mov", "in.mkv", "in.webm", "in.avi", "in.ts", "in.flv", "in.mpg", "in.y4m"]
)
def test_a_film_is_called_one(tmp_path, name):
    codecs = {"in.webm": ("libvpx-vp9", "yuv444p"), "in.mpg": ("mpeg2video", "yuv420p"), "in.flv": ("flv", "yuv420p"),
              "in.y4m": ("wrapped_avframe", "yuv420p")}  # fmt: skip
    codec, pix_fmt = codecs.get(name, ("libx264", "yuv444p"))
    write_clip(tmp_path / name, moving_square(2), codec=codec, pix_fmt=pix_fmt, options={})
    path = (tmp_path / name).rename(tmp_path / "picture.png")  # its name does not count
    with pytest.raises(ImageFileError, match=r"picture\.png' is a film: `pydream video` dreams on it$"):
        read_image(path)


STARTS = [b"\0\0\0\x08wide\0\0\0\0mdat", b"OggS\0\2", b"0&\xb2u\x8ef\xcf\x11", b"DKIF\0\0"]


@pytest.mark.parametrize("start", STARTS)
def test_other_films(start):
    with pytest.raises(ImageFileError, match="is a film"):
        decode_image(io.BytesIO(start + bytes(200)), "x")


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_read_with_a_word(tmp_path, form):
    path = tmp_path / f"in.{form.lower()}"
    FRAMES[0].save(path, form, save_all=True, append_images=FRAMES[1:], duration=100)
    line = r"in\.[a-z]+' is an animation, and only the first of its 3 frames is read: `pydream video` takes all$"
    with pytest.warns(AnimationWarning, match=line):
        pixels = read_image(path)
    assert np.abs(pixels.astype(int) - np.asarray(FRAMES[0])).mean() < 10


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_of_a_picture_nothing_is_said(form):
    file = io.BytesIO()
    pages = {"save_all": True, "append_images": FRAMES[1:]} if form == "TIFF" else {}
    FRAMES[0].save(file, form, **pages)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decode_image(file, "x")


def test_an_animation_that_is_cut_short():
    file, alone = io.BytesIO(), io.BytesIO()
    FRAMES[0].save(file, "GIF", save_all=True, append_images=FRAMES[1:])
    FRAMES[0].save(alone, "GIF")
    content = file.getvalue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnimationWarning)
        for end in range(len(alone.getvalue()) + 50, len(content), 20):
            assert decode_image(io.BytesIO(content[:end]), "x").shape == (48, 64, 3)
