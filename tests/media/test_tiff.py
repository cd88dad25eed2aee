"""TIFFs of every kind of samples have known pixels, or are refused by name; tifffile says what is in them."""

import io
import itertools
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from support.pictures import photograph
from support.tiffs import DEFLATE, LZMA, LZW, PACKBITS, STORED, tiff

from pydream.errors import DamagedPictureWarning, ImageFileError
from pydream.media import decode_image, read_note
from pydream.media.decoding import libtiff

WHITE0, BLACK0, RGB, PALETTE, INKS, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
COLOURS = {WHITE0: 1, BLACK0: 1, RGB: 3, PALETTE: 1, INKS: 4, YCBCR: 3, LAB: 3}
ASSOCIATED, UNASSOCIATED = 1, 2
HEIGHT, WIDTH = 5, 19


def read(content):
    return decode_image(io.BytesIO(content), "x.tif")


def grey(*values):
    return np.repeat(np.array([values], np.uint8)[..., None], 3, -1)


def one_row(*values, dtype=np.uint16):
    return np.array([values], dtype)[..., None]


# ---- all kinds ----


def kinds():
    formats = [("u", 1), ("u", 2), ("u", 4), ("u", 8), ("i", 8), ("u", 12), ("u", 16), ("i", 16), ("f", 16)]
    formats += [("u", 32), ("i", 32), ("f", 32), ("u", 64), ("f", 64)]
    extras = [(), (0,), (ASSOCIATED,), (UNASSOCIATED,), (UNASSOCIATED, 0)]
    for photometric, (form, bits), extra, planar in itertools.product(COLOURS, formats, extras, (False, True)):
        if not (planar and COLOURS[photometric] + len(extra) == 1) and not (photometric == PALETTE and bits > 8):
            yield photometric, form, bits, extra, planar


def storages(form, bits):
    """Byte order, compression, predictor, tiles and bit order: all of them in the course of the kinds."""
    predictors = [1] + [2] * (bits in (8, 16, 32, 64)) + [3] * (form == "f")
    packed = [(way, predictor) for way in (LZW, DEFLATE, LZMA) for predictor in predictors]
    ways = [(STORED, 1), (PACKBITS, 1), *packed]
    return itertools.product("<>", ways, (None, 16), (1, 2) if bits <= 8 else (1,))


def drawn(draw, photometric, form, bits, extra):
    shape = HEIGHT, WIDTH, COLOURS[photometric] + len(extra)
    dtype = np.dtype(f"{form}{2 if bits == 12 else max(bits // 8, 1)}")
    samples = draw.random(shape) if form == "f" else draw.integers(0, 2 ** min(bits - (form == "i"), 16), shape)
    if ASSOCIATED in extra:
        samples = np.minimum(samples, samples[..., -1:])
    return samples.astype(dtype)


def meant(samples, photometric, form, bits, extra, palette):
    """The picture by definition, 0..255, without rounding."""
    values = samples * 255.0 / (1 if form == "f" else 2 ** min(bits, 16) - 1)
    count = COLOURS[photometric]
    colours = values[..., :count]
    if photometric == WHITE0:
        colours = 255 - colours
    if photometric == PALETTE:
        colours = np.array(palette).reshape(3, -1).T[samples[..., 0]] // 256
    if photometric == INKS:
        colours = (255 - colours[..., :3]) * (255 - colours[..., 3:]) / 255
    if photometric == YCBCR:
        y, cb, cr = colours[..., 0], colours[..., 1] - 128, colours[..., 2] - 128
        colours = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], -1).clip(0, 255)
    if photometric == LAB:
        a_and_b = samples[..., 1:3].view(f"i{samples.itemsize}") / 2 ** (bits - 8)
        colours = lab_to_srgb(samples[..., 0] / (2**bits - 1) * 100, a_and_b)
    if extra and extra[0]:
        opaque = values[..., count : count + 1] / 255
        colours = colours * (opaque if extra[0] == UNASSOCIATED else 1) + 255 * (1 - opaque)
    return np.broadcast_to(colours, (*samples.shape[:2], 3))


def lab_to_srgb(lightness, a_and_b):
    """CIELab by D50, as ICC has it; D50 becomes D65 by Bradford's matrix within the second."""
    y = (lightness + 16) / 116
    root = np.stack([y + a_and_b[..., 0] / 500, y, y - a_and_b[..., 1] / 200], -1)
    xyz = np.where(root > 6 / 29, root**3, (root - 4 / 29) * 3 * (6 / 29) ** 2) * [0.9642, 1, 0.8249]
    to_linear = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    linear = (xyz @ np.transpose(to_linear)).clip(0, 1)
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear) * 255


def held_by(content, shape, planar):
    """What tifffile finds there; None for what it does not decode by itself."""
    try:
        samples = tifffile.imread(io.BytesIO(content))
    except (NotImplementedError, ValueError) as error:
        assert "imagecodecs" in str(error)  # noqa: PT017
        return None
    return np.moveaxis(samples.reshape(shape[2], *shape[:2]), 0, -1) if planar else samples.reshape(shape)


def test_every_kind_is_right_or_refused_by_name():
    draw = np.random.default_rng(0)
    right, refused, compared = set(), set(), 0
    for number, kind in enumerate(kinds()):
        photometric, form, bits, extra, planar = kind
        for order, (compression, predictor), tile, fill_order in [*storages(form, bits)][number % 17 :: 17]:
            samples = drawn(draw, photometric, form, bits, extra)
            palette = draw.integers(0, 65536, 3 * 2 ** min(bits, 8)).tolist()
            content = tiff(
                samples,
                photometric,
                bits=bits,
                order=order,
                compression=compression,
                predictor=predictor,
                planar=planar,
                tile=tile,
                extra=extra,
                fill_order=fill_order,
                tags={PALETTE: [(320, 3, palette)], YCBCR: [(530, 3, [1, 1])]}.get(photometric, []),
            )
            try:
                pixels = read(content)
            except ImageFileError as error:
                assert str(error).startswith("'x.tif' is a TIFF of "), error  # noqa: PT017
                assert f"{bits}-bit" in str(error)  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017
                refused.add(kind)
                continue
            # Transparency and inks are mixed after rounding to 8 bits, premultiplied colours divided then.
            allowed = 3 if ASSOCIATED in extra else 2 if any(extra) or photometric == INKS else 1
            error = np.abs(pixels - meant(samples, photometric, form, bits, extra, palette)).max()
            assert error <= allowed + 1e-6, (kind, order, compression, predictor, tile, fill_order)
            right.add(kind)
            if compression != LZW and fill_order == 1:
                held = held_by(content, samples.shape, planar)
                if held is not None:
                    np.testing.assert_array_equal(held, samples)
                    compared += 1
    assert compared > 150
    wanted = itertools.product((WHITE0, BLACK0, RGB), [("u", 8), ("u", 16)], [(), (0,), (1,), (2,)])
    for photometric, (form, bits), extra in wanted:
        if photometric == WHITE0 and ASSOCIATED in extra:
            continue
        for planar in {False, COLOURS[photometric] + len(extra) > 1}:
            assert (photometric, form, bits, extra, planar) in right - refused
    for form, bits in [("f", 16), ("f", 32), ("f", 64)]:
        for photometric, extra in itertools.product((BLACK0, RGB), [(), (0,), (1,), (2,)]):
            assert (photometric, form, bits, extra, False) in right - refused
    assert {(BLACK0, "u", 32, (), False), (BLACK0, "i", 32, (), False)} <= right - refused
    for bits in (8, 16):
        assert {(INKS, "u", bits, (), False), (INKS, "u", bits, (), True)} <= right - refused
        assert {(photometric, "i", bits, (), False) for photometric in (WHITE0, BLACK0)} <= refused - right


# ---- by hand ----


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [STORED, LZW, DEFLATE])
def test_16_bits_with_white_as_zero(order, compression):
    content = tiff(one_row(0, 1000, 30000, 65535), WHITE0, order=order, compression=compression)
    np.testing.assert_array_equal(read(content), grey(255, 251, 138, 0))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [STORED, LZW])
def test_12_bits(order, compression):
    content = [
        tiff(one_row(0, 4095, 2048, 2047, 5), photometric, bits=12, order=order, compression=compression)
        for photometric in (BLACK0, WHITE0)
    ]
    np.testing.assert_array_equal(read(content[0]), grey(0, 255, 128, 127, 0))
    np.testing.assert_array_equal(read(content[1]), grey(255, 0, 127, 128, 255))


@pytest.mark.parametrize("compression", [STORED, LZW])
@pytest.mark.parametrize("order", "<>")
def test_16_bits_in_planes_are_those_pixel_by_pixel(order, compression):
    samples = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    together, planes = (
        tiff(samples, RGB, order=order, compression=compression, planar=planar) for planar in (False, True)
    )
    np.testing.assert_array_equal(read(planes), read(together))


def test_cielab():
    """The corners of sRGB, whose L*, a*, b* by D50 are known."""
    corners = {
        (255, 255, 255): (100, 0, 0),
        (255, 0, 0): (54.29, 80.81, 69.89),
        (0, 255, 0): (87.82, -79.29, 80.99),
        (0, 0, 255): (29.57, 68.30, -112.03),
        (0, 0, 0): (0, 0, 0),
    }
    steps = np.rint(np.array([*corners.values()]) * [655.35, 256, 256]).astype(int).astype(np.uint16)
    np.testing.assert_allclose(read(tiff(steps[None], LAB))[0], [*corners], atol=1)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("predictor", [1, 2, 3])
def test_floats(dtype, order, predictor):
    content = tiff(one_row(0, 0.25, 0.5, 1, dtype=dtype), BLACK0, order=order, compression=DEFLATE, predictor=predictor)
    np.testing.assert_array_equal(read(content), grey(0, 64, 128, 255))


@pytest.mark.parametrize("value", [-0.5, 256, np.nan])
def test_floats_without_a_meaning(value):
    with pytest.raises(ImageFileError, match=r"0\.\.1 or 0\.\.255"):
        read(tiff(one_row(0.5, value, dtype="f8"), BLACK0))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (tiff(one_row(-5, 127, dtype="i2"), BLACK0), "16-bit signed integers, grey"),
        (tiff(one_row(-5, 127, dtype="i1"), BLACK0), "8-bit signed integers, grey"),
        (tiff(one_row(0, 1, dtype="f4"), WHITE0), "32-bit floats, grey, white is 0"),
        (tiff(np.zeros((2, 2, 3), "u4"), RGB), "32-bit unsigned integers, RGB"),
        (tiff(np.zeros((2, 2, 3), "f4"), LAB), "32-bit floats, CIELab"),
        (tiff(np.zeros((2, 2, 1), "u2"), PALETTE), "16-bit unsigned integers, a palette"),
        (tiff(np.zeros((2, 2, 1), "u2"), 32803), "16-bit unsigned integers, a colour filter array"),
    ],
)
def test_refused_by_name(content, name):
    with pytest.raises(ImageFileError, match=f"'x.tif' is a TIFF of {name}, compression none: .*not a kind"):
        read(content)


def test_ycbcr_with_fewer_colours_than_pixels_is_refused():
    """4:2:0: six bytes for four pixels, which Pillow would read as three a pixel."""
    content = tiff(np.array([[[76], [76], [76], [76], [85], [255]]], np.uint8), YCBCR, tags=[(530, 3, [2, 2])])
    for tag, (old, new) in {256: (6, 2), 257: (1, 2), 277: (1, 3)}.items():
        head = tag.to_bytes(2, "little")
        kind = b"\x03\0" if tag == 277 else b"\x04\0"
        content = content.replace(head + kind + b"\1\0\0\0" + bytes([old]), head + kind + b"\1\0\0\0" + bytes([new]))
    with pytest.raises(ImageFileError, match="is a TIFF of 8-bit unsigned integers, YCbCr"):
        read(content)


def test_big_tiff():
    samples = one_row(0, 1000, 30000, 65535)
    np.testing.assert_array_equal(read(tiff(samples, WHITE0, big=True)), grey(255, 251, 138, 0))
    with pytest.raises(ImageFileError, match="is a big-endian BigTIFF: not a kind that is read"):
        read(tiff(samples, WHITE0, big=True, order=">"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation):
    samples = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    tags = [(274, 3, [orientation])]
    deep = tiff(samples / np.float32(255), RGB, tags=tags)
    np.testing.assert_array_equal(read(deep), read(tiff(samples, RGB, tags=tags)))


def test_the_note_of_a_kind_that_pillow_does_not_open(tmp_path):
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(one_row(0, 1, dtype="f8"), BLACK0, tags=[(270, 2, b"hello\0")]))
    assert read_note(path) == "hello"


# ---- damaged ----


@pytest.mark.parametrize(("mode", "rows"), [("L", 6), ("RGB", 6), ("I;16", 6), ("RGB", 2)])
def test_strips_that_are_missing(mode, rows):
    """Pillow would leave them black, for a height that is not the picture's."""
    made = io.BytesIO()
    Image.new(mode, (4, 6), 200 if mode != "RGB" else "white").save(made, "TIFF", tiffinfo={278: rows})
    whole = made.getvalue()
    assert read(whole).shape == (6, 4, 3)
    place = whole.index(struct.pack("<HHI", 257, 4, 1)) + 8
    assert whole[place] == 6
    with pytest.raises(ImageFileError, match=r"damaged or cut short: \d of \d+ tiles or strips are there"):
        read(whole[:place] + struct.pack("<I", 60) + whole[place + 4 :])


def test_strips_are_checked_before_they_are_decoded(monkeypatch):
    whole = tiff(np.zeros((6, 4, 3), "u2"), RGB, planar=True, compression=DEFLATE)
    with Image.open(io.BytesIO(tiff(np.zeros((6, 4, 3), "u2"), RGB))) as image:
        assert image.size == (4, 6)
    for cut in range(0, len(whole), 7):
        with pytest.raises(ImageFileError) as raised:
            read(whole[:cut] if cut % 2 else whole[: cut // 2] + bytes(len(whole) - cut // 2))
        assert "\n" not in str(raised.value)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 23)
    with pytest.raises(ImageFileError, match="more than 23 pixels"):
        read(whole)
    floats = tiff(np.zeros((4, 5, 3), "f8"), RGB)
    with pytest.raises(ImageFileError, match="more than 23 pixels"):  # 20 pixels of 24 bytes
        read(floats)


@pytest.fixture
def jpeg_in_tiff():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF", compression="jpeg")
    return file.getvalue()


def test_what_libtiff_says_is_the_reason_and_not_on_the_screen(jpeg_in_tiff, capfd):
    read(jpeg_in_tiff)
    tables = bytearray(jpeg_in_tiff)
    tables[tables.index(b"\xff\xc4") + 4] = 239
    with pytest.raises(ImageFileError, match="damaged or cut short: JPEGLib: Bogus DHT index 239"):
        read(bytes(tables))
    assert capfd.readouterr() == ("", "")


def test_pixels_that_libtiff_warns_of_are_damaged(capfd):
    file = io.BytesIO()
    photograph().convert("1").save(file, "TIFF", compression="group4")
    damaged = bytearray(file.getvalue())
    damaged[28] ^= 255
    with pytest.warns(DamagedPictureWarning, match=r"'x\.tif' is damaged: Fax4Decode: Bad code word"):
        assert read(bytes(damaged)).shape == (60, 80, 3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("head", [b"II\0*", b"II*\0"])
def test_illegal_heads_and_types_are_read_alike(head, capfd):
    """What is a TIFF to Pillow only."""
    content = tiff(one_row(0, 1000, 30000, 65535), WHITE0)
    np.testing.assert_array_equal(read(head + content[4:]), grey(255, 251, 138, 0))
    packed = tiff(np.zeros((4, 4, 3), "u1"), RGB, compression=DEFLATE)
    width = (256).to_bytes(2, "little")
    at = packed.index(width + b"\4\0")
    for kind in range(13):
        with suppress(ImageFileError):
            read(head + packed[4 : at + 2] + bytes([kind]) + packed[at + 3 :])
    assert capfd.readouterr() == ("", "")


def test_tags_that_libtiff_warns_of_are_not_damage(jpeg_in_tiff, capfd, recwarn):
    content = tiff(np.zeros((4, 4, 3), "u1"), RGB, compression=DEFLATE, tags=[(65000, 3, [1]), (65001, 2, b"x\0")])
    assert read(content).max() == 0
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_libtiff_tells_others_what_it_told_before(jpeg_in_tiff, capfd):
    read(jpeg_in_tiff)
    tables = bytearray(jpeg_in_tiff)
    tables[tables.index(b"\xff\xc4") + 4] = 239
    with pytest.raises(OSError, match="decoder error"):
        Image.open(io.BytesIO(bytes(tables))).load()
    assert "Bogus DHT index 239" in capfd.readouterr().err


def test_files_that_tifffile_wrote(tmp_path: Path):
    """Its tags, its strips, its order of bytes."""
    samples = np.random.default_rng(0).integers(0, 65536, (40, 48, 3), dtype=np.uint16)
    for number, options in enumerate(
        {"byteorder": order, "planarconfig": planar, "tile": tile, "compression": compression}
        for order, planar, tile, compression in itertools.product(
            "<>", ("contig", "separate"), (None, (16, 32)), (None, "zlib", "lzma")
        )
    ):
        path = tmp_path / f"{number}.tif"
        planes = np.moveaxis(samples, -1, 0) if options["planarconfig"] == "separate" else samples
        tifffile.imwrite(path, np.ascontiguousarray(planes), photometric="rgb", metadata=None, **options)
        np.testing.assert_array_equal(read(path.read_bytes()), samples >> 8)


def test_floats_predictor_has_no_integers():
    content = tiff(np.zeros((4, 4, 2), np.uint16), BLACK0, extra=(UNASSOCIATED,), compression=DEFLATE, predictor=3)
    with pytest.raises(ImageFileError, match=r"^'x\.tif' is a TIFF of 16-bit unsigned integers, grey and 1 more, "):
        read(content)


def entry(content, tag):
    """Return the place of a tag's value."""
    return content.index(struct.pack("<HHI", tag, 4, 1)) + 8


@pytest.mark.parametrize(
    ("tag", "value", "why"),
    [(279, 999, "its strips have more bytes than the file"), (257, 5, "1 of 3 strips are there")],
)
def test_strips_that_are_not_there(tag, value, why):
    """Of a kind that is not Pillow's, two rows in one strip."""
    content = bytearray(tiff(np.zeros((2, 4, 2), np.uint16), BLACK0, extra=(UNASSOCIATED,)))
    place = entry(content, tag)
    content[place : place + 4] = struct.pack("<I", value)
    with pytest.raises(ImageFileError) as raised:
        read(content)
    assert str(raised.value) == f"'x.tif' is damaged or cut short: {why}"


def test_a_pillow_that_hides_libtiff_keeps_its_lines(monkeypatch):
    for error in (OSError, AttributeError):
        monkeypatch.setattr(libtiff.ctypes, "CDLL", lambda _, error=error: (_ for _ in ()).throw(error))
        assert libtiff._install.__wrapped__() == []


def test_what_nobody_listened_to_before_goes_nowhere():
    handlers = []

    def set_handler(pointer):  # there was none
        handlers.append(libtiff.ctypes.cast(pointer, libtiff._HANDLER))

    kept = libtiff._in_front(set_handler)
    values = libtiff.ctypes.create_string_buffer(64)
    say = [(b"ZIPDecode", b"text"), (None, b"alone"), (b"TIFFFetchNormalTag", b"of a tag")]
    for module, text in say:
        handlers[0](module, text, libtiff.ctypes.addressof(values))
    with libtiff.messages() as heard:
        for module, text in say:
            handlers[0](module, text, libtiff.ctypes.addressof(values))
    assert heard == ["ZIPDecode: text", "alone"]
    assert libtiff.damage(heard) == "ZIPDecode: text"
    assert libtiff.damage(heard[1:]) is None
    del kept
