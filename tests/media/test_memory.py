"""Memory that runs out while a picture is read is no damage of its file."""

import io

import pytest
from PIL import Image, TiffImagePlugin
from support.pictures import photograph
from support.profiles import DISPLAY_P3, rgb_profile

from pydream.media import decoding
from pydream.media.decoding import moving, pillow, png, profiles
from pydream.media.decoding.tiff import Kind


def encoded(form):
    file = io.BytesIO()
    photograph(6, 8).save(file, form)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("owner", "name", "read"),
    [
        (moving, "open_image", lambda: moving.frame_count(encoded("GIF"))),
        (pillow.Image.Image, "getexif", lambda: pillow.exif(photograph())),
        (Image.Exif, "get_ifd", lambda: pillow.exif_fields(Image.Exif())),
        (pillow, "open_image", lambda: png.in_spite_of_metadata(pillow.open_image, encoded("PNG"))),
        (profiles, "_converted", lambda: profiles.Profile(rgb_profile(DISPLAY_P3)).to_srgb(photograph())),
        (TiffImagePlugin.ImageFileDirectory_v2, "load", lambda: Kind.read(encoded("TIFF"))),
        (pillow, "to_8_bits", lambda: decoding.convert(Image.new("I", (2, 2)), "x")),
    ],
)
def test_it_runs_out(monkeypatch, owner, name, read):
    read()
    monkeypatch.setattr(owner, name, lambda *_, **__: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(MemoryError):
        read()


@pytest.mark.parametrize(
    ("owner", "name", "read", "found"),
    [
        (moving, "open_image", lambda: moving.frame_count(encoded("GIF")), 1),
        (pillow.Image.Image, "getexif", lambda: dict(pillow.exif(photograph())), {}),
        (Image.Exif, "get_ifd", lambda: pillow.exif_fields(Image.Exif()), {}),
        (TiffImagePlugin.ImageFileDirectory_v2, "load", lambda: Kind.read(encoded("TIFF")), None),
    ],
)
def test_whatever_else_is_raised_is_damage(monkeypatch, owner, name, read, found):
    monkeypatch.setattr(owner, name, lambda *_, **__: (_ for _ in ()).throw(SyntaxError))
    assert read() == found
