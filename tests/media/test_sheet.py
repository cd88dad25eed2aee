"""A contact sheet: what was given is where it should be, whole, and text neither leaves its place nor is lost."""

import numpy as np
import PIL.Image
import pytest

from pydream.errors import ShapeError
from pydream.media.image import WRITABLE, write_image
from pydream.media.sheet import PAGE, THEMES, Share, Sheet, drawable, fitting_columns, fitting_width, typeface, wrapped

COLOURS = [(200, 30, 30), (30, 160, 30), (30, 30, 200), (180, 150, 20), (150, 20, 160)]


def plain(colour, height=24, width=36):
    return np.full((height, width, 3), colour, np.uint8)


def tiles_of(columns, cell, dpi=100, **options):
    """Return a sheet whose tiles are `cell` pixels wide: pictures that wide are not scaled."""
    margin, gutter = round(4 / 25.4 * dpi), round(1.6 / 25.4 * dpi)
    width = 2 * margin + columns * cell + (columns - 1) * gutter
    return Sheet(columns, width / dpi * 25.4, dpi, **options)


def places(sheet, colour):
    """Return (top, bottom, left, right) of a colour that is there once, and make sure that it fills them."""
    rows, columns = np.nonzero((sheet == colour).all(2))
    box = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    assert (sheet[box[0] : box[1], box[2] : box[3]] == colour).all()
    return box


@pytest.mark.parametrize("theme", list(THEMES))
def test_pictures_stand_in_rows_of_the_columns(theme):
    sheet = tiles_of(3, 36, theme=theme)
    for number, colour in enumerate(COLOURS):
        sheet.add(plain(colour), f"layer {number}", note="note" if number == 1 else "")
    drawn = sheet.draw("Title", "Caption")
    boxes = [places(drawn, colour) for colour in COLOURS]
    assert all((b - t, r - l) == (24, 36) for t, b, l, r in boxes)  # noqa: E741
    assert boxes[0][:2] == boxes[1][:2] == boxes[2][:2]
    assert boxes[3][0] == boxes[4][0] > boxes[0][1]
    assert [box[2] for box in boxes[3:]] == [box[2] for box in boxes[:2]]
    assert boxes[1][2] - boxes[0][3] == boxes[2][2] - boxes[1][3] > 0
    paper = THEMES[theme].paper
    edge = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
    assert (edge == paper).all()


def test_a_sheet_is_as_wide_as_it_is_to_be_printed():
    for columns in (1, 3, 4):
        sheet = Sheet(columns, width=100.0, dpi=254)
        for _ in range(5):
            sheet.add(plain(COLOURS[0]), "a")
        assert 1000 - columns < sheet.draw().shape[1] <= 1000


def test_text_takes_its_points_at_any_dpi():
    """Twice the dpi is the same page with twice the pixels: the text too."""
    inked = []
    for dpi in (150, 300):
        sheet = Sheet(1, width=80.0, dpi=dpi)
        sheet.add(None, "inception_4c/output")
        rows, columns = np.nonzero((sheet.draw("A title", "A caption") != 255).any(2))
        inked.append(np.array([rows.min(), rows.max(), columns.min(), columns.max()]))
    np.testing.assert_allclose(inked[1], 2 * inked[0], atol=4)


def test_pictures_of_a_row_stand_on_one_line_and_text_under_each():
    sheet = tiles_of(2, 60)
    sheet.add(plain(COLOURS[0], 40, 60), "wide")
    sheet.add(plain(COLOURS[1], 20, 60), "low")
    drawn = sheet.draw()
    first, second = places(drawn, COLOURS[0]), places(drawn, COLOURS[1])
    assert first[1] == second[1]
    under = [drawn[box[1] : box[1] + 14, box[2] : box[3]] for box in (first, second)]
    dark = [np.nonzero((part < 128).all(2))[0] for part in under]
    assert all(len(rows) for rows in dark)
    ascender = [rows.min() for rows in dark]  # of d in "wide" and of l in "low"
    assert abs(ascender[0] - ascender[1]) <= 1


def test_no_label_leaves_its_column():
    sheet = tiles_of(3, 36)
    for number, colour in enumerate(COLOURS[:3]):
        sheet.add(plain(colour), "inception_4c/5x5_reduce/with/more" if number == 1 else "", note="W" * (number * 50))
    drawn = sheet.draw()
    left = [places(drawn, colour)[2] for colour in COLOURS[:3]]
    below = drawn[places(drawn, COLOURS[0])[1] :]
    inked = (below != 255).any(axis=(0, 2))
    for x in left:
        assert not inked[x + 36 : x + 36 + 5].any()


def test_a_label_too_long_is_broken_after_a_slash():
    """As two tiles whose labels are its parts, one under the other."""

    def under(label, note=""):
        sheet = tiles_of(1, 150, dpi=150)
        sheet.add(plain(COLOURS[0], 20, 150), label, note)
        drawn = sheet.draw()
        _, bottom, left, right = places(drawn, COLOURS[0])
        return drawn[bottom:-20, left:right]

    line = round(7 * 1.3 / 72 * 150)
    both = under("inception_4c/5x5_reduce")
    first, second = under("inception_4c/"), under("5x5_reduce")
    expected = np.full_like(both, 255)  # the letters of one line may reach down to the next
    expected[: len(first)] = first
    expected[line : line + len(second)] = np.minimum(expected[line : line + len(second)], second)
    np.testing.assert_array_equal(both, expected)
    assert len(under("pool1/norm1", "note")) == len(under("pool1", "note"))  # which fits


def test_wrapped_loses_no_letter():
    font = typeface(20)
    text = "47 iterations × step 4.4 in each of 4 octaves\n" + "x" * 100 + " end"
    lines = wrapped(text, font, 150)
    assert all(font.getlength(line) <= 150 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert wrapped("one\ntwo", font, 1000) == ["one", "two"]
    assert wrapped("inception_4c/5x5_reduce", font, 1000) == ["inception_4c/5x5_reduce"]
    assert wrapped("inception_4c/5x5_reduce", font, 150) == ["inception_4c/", "5x5_reduce"]
    assert wrapped("", font, 150) == []


def test_what_cannot_be_seen_is_written_out():
    assert drawable("fire8/concat 3×3 µ – été Ω ж …") == "fire8/concat 3×3 µ – été Ω ж …"
    assert drawable("\x1b[31m\u202e\udcff\r") == r"\x1b[31m\u202e\udcff\r"
    assert drawable("e\u0301") == "é"


def test_a_text_too_long_keeps_both_ends():
    shown = drawable("a" * 5000 + "b" * 5000)
    assert shown == "a" * 500 + "…" + "b" * 500
    assert drawable("a" * 1000) == "a" * 1000


def test_the_typeface_has_the_letters_of_captions():
    """A letter that it does not have would look like one that no typeface has."""
    font = typeface(32)
    absent = bytes(font.getmask("\U0010ffff"))
    assert all(bytes(font.getmask(letter)) != absent for letter in "×éµΩ–…")


def test_names_of_any_length_take_no_time():
    sheet = tiles_of(2, 36)
    sheet.add(plain(COLOURS[0]), "long" * 1_000_000, "☃" * 1_000_000)
    sheet.add(None, "absent", reason="why " * 1_000_000)
    drawn = sheet.draw("title " * 100_000, "caption " * 100_000)
    assert drawn.shape[1] < 200


def test_an_empty_place_says_why():
    sheet = tiles_of(2, 90)
    sheet.add(plain(COLOURS[0], 60, 90), "there")
    sheet.add(None, "absent", reason="the gradient is zero " * 20)
    drawn = sheet.draw()
    top, bottom, _, right = places(drawn, COLOURS[0])
    beside = drawn[top:bottom, right + 6 : right + 96]
    shade = (beside == THEMES["light"].empty).all(2)
    assert shade[0].all()
    assert shade[-1].all()
    assert not shade.all()
    assert (drawn[top:bottom, right + 6 + 90 :] == 255).all()


def test_a_reason_that_is_cut_ends_in_an_ellipsis():
    def empty(reason):
        sheet = tiles_of(2, 90)
        sheet.add(plain(COLOURS[0], 24, 90), "")  # room for one line
        sheet.add(None, "", reason=reason)
        return sheet.draw()

    np.testing.assert_array_equal(empty("gradient\nzero"), empty("gradient…"))
    assert (empty("gradient") != empty("gradient…")).any()


def test_headings_are_over_their_columns():
    bare, headed = (tiles_of(2, 36, headings=names) for names in ((), ("bvlc_googlenet", "alexnet")))
    for sheet in (bare, headed):
        for colour in COLOURS[:2]:
            sheet.add(plain(colour), "")
    before, after = places(bare.draw(), COLOURS[1]), places(headed.draw(), COLOURS[1])
    assert after[0] > before[0]
    over = headed.draw()[before[0] : after[0], after[2] : after[3]]
    assert (over < 128).any()


def test_a_sheet_that_is_too_large_is_refused_before_memory_is_taken():
    sheet = tiles_of(2, 4000, dpi=300)
    with pytest.raises(ShapeError, match=r"^the sheet is too large: 500 pictures of 4000×3000 are .*; use fewer"):
        sheet.check(500, (3000, 4000))
    sheet.check(4, (3000, 4000))
    for _ in range(5):
        sheet.add(np.zeros((4000, 4000, 3), np.uint8), "")
    with pytest.raises(ShapeError, match="too large"):
        sheet.draw()
    tall = Sheet(1, width=170, dpi=100)
    tall.add(np.zeros((20_000, 2, 3), np.uint8), "narrower")
    assert tall.draw().shape[0] < 1500


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"columns": 0}, "columns: 0, expected 1..1000"),
        ({"columns": 500, "dpi": 72}, "columns: 500, too many for a sheet 170 mm wide at 72 dpi"),
        ({"columns": 2, "theme": "pink"}, "theme: 'pink', expected one of light, dark"),
        ({"columns": 2, "dpi": float("nan")}, "dpi: nan, expected 20..2400"),
        ({"columns": 2, "width": 0}, "width: 0, expected 10..5000"),
    ],
)
def test_parameters_out_of_range(wrong, message):
    with pytest.raises(ValueError, match=message):
        Sheet(**wrong)


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="has no pictures"):
        Sheet(1).draw()


@pytest.mark.parametrize("tiles", [1, 2, 9, 40, 67, 300])
@pytest.mark.parametrize("size", [(683, 1024), (1024, 683), (64, 64)])
def test_as_many_columns_as_make_a_page(tiles, size):
    columns = fitting_columns(tiles, size)
    assert 1 <= columns <= tiles
    sheet = Sheet(columns, dpi=150)
    for _ in range(tiles):
        sheet.add(np.zeros((*size, 3), np.uint8), "label", note="note")
    height, width, _ = sheet.draw("title", "caption\ncaption").shape
    page = PAGE[1] / 25.4 * 150
    assert height <= page or columns == 1
    assert abs(width - PAGE[0] / 25.4 * 150) <= columns


@pytest.mark.parametrize(("rows", "size"), [(3, (683, 1024)), (4, (1024, 683)), (6, (64, 64)), (9, (64, 64))])
def test_as_wide_as_fits_a_page(rows, size):
    width = fitting_width(3, rows, size)
    assert 60 <= width <= PAGE[0]
    sheet = Sheet(3, width, dpi=150)
    for _ in range(3 * rows):
        sheet.add(np.zeros((*size, 3), np.uint8), "label", note="note")
    assert sheet.draw("title", "caption\ncaption").shape[0] <= PAGE[1] / 25.4 * 150 or width == 60


@pytest.mark.parametrize("suffix", sorted(set(WRITABLE) - {".webp"}))
def test_the_file_says_how_large_it_prints(tmp_path, suffix):
    path = tmp_path / f"sheet{suffix}"
    write_image(path, plain(COLOURS[0]), "note", dpi=300)
    with PIL.Image.open(path) as image:
        assert [round(float(each)) for each in image.info["dpi"]] == [300, 300]


def test_bars_are_as_long_as_their_parts():
    theme, cell = THEMES["light"], 200
    parts = [1.0, 0.25, 0.0]
    sheet = tiles_of(1, cell)
    sheet.add(plain(COLOURS[0], 100, cell), "a", shares=[Share("a long label " * 9, part) for part in parts])
    plainly = tiles_of(1, cell)
    plainly.add(plain(COLOURS[0], 100, cell), "a")
    drawn = sheet.draw()
    assert drawn.shape[0] > plainly.draw().shape[0]
    left = places(drawn, COLOURS[0])[2]
    full = (((drawn == theme.faint) | (drawn == theme.empty)).all(2)[:, left : left + cell]).all(1)  # rows of bars
    lengths = (drawn[:, left : left + cell] == theme.faint).all(2).sum(1)[full]
    assert list(dict.fromkeys(lengths)) == [cell, cell // 4, 0]
    assert (drawn[:, left + cell :] == theme.paper).all()  # no text is wider


def test_a_sheet_counts_its_tiles():
    sheet = tiles_of(3, 36)
    assert len(sheet) == 0
    for number in range(4):
        sheet.add(plain(COLOURS[number]), "layer")
    assert len(sheet) == 4
