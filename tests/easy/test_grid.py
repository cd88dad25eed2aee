"""The activation grid: where its cells lie, how large they are, and what is refused."""

import numpy as np
import pytest

import pydream
from pydream.easy.grid import PlaceGrid
from pydream.errors import ParameterError, SilentScoreError
from pydream.media import Piece, mosaic, wash

PICTURE = np.random.RandomState(1).randint(0, 256, (48, 40, 3), np.uint8)
SMALL = {"side": 16, "iter_n": 1, "octave_n": 1}


@pytest.fixture
def grid():
    """Three places of a layer of stride 4, the first at the fifth pixel; the last is silent."""
    values = np.array([[[3.0, 4.0], [0.6, 0.8], [0.0, 0.0]]])
    return PlaceGrid(
        "some", np.zeros((8, 16, 3), np.uint8), values, (np.array([4.0]), np.array([4.0, 8.0, 12.0])), (4.0, 4.0)
    )


def test_directions(grid):
    np.testing.assert_array_equal(grid.places(), [0, 1])
    np.testing.assert_allclose(grid.vectors(grid.places()), [[0.6, 0.8]] * 2)
    np.testing.assert_allclose(grid.norms, [5, 1, 0])
    with pytest.raises(SilentScoreError, match="all activations of 'some' on the picture are 0"):
        PlaceGrid("some", grid.picture, np.zeros((1, 1, 2)), grid.middles, grid.stride).places()


@pytest.mark.parametrize(("sized", "second"), [(False, 16), (True, 7)])
def test_each_cell_lies_over_its_place(grid, sized, second):
    cells = {0: np.full((16, 16, 3), 10, np.uint8), 1: np.full((16, 16, 3), 20, np.uint8)}
    sheet = grid.sheet(cells, 16, sized)
    assert sheet.shape == (*grid.shape(16), 3) == (32, 64, 3)
    assert (sheet[8:24, 8:24] == 10).all()
    assert (sheet == 20).all(2).sum() == second**2
    assert (sheet[0] == 191).all()  # a black picture, faint


def test_a_piece_is_cut_at_the_edge():
    found = mosaic(np.zeros((4, 4, 3), np.uint8), (8, 8), [Piece(np.full((2, 2, 3), 9, np.uint8), (0, 8), 4)])
    assert (found == 9).all(2).sum() == 4
    assert (found[:2, 6:] == 9).all()


def test_a_picture(squeezenet32):
    """The same bytes each time; a picture that is large is made small."""
    found = pydream.activation_grid(squeezenet32, PICTURE, "pool3", long_side=40, **SMALL)
    assert found.shape == (80, 66, 3)
    again = pydream.activation_grid(squeezenet32, PICTURE, "pool3", long_side=40, **SMALL)
    np.testing.assert_array_equal(found, again)
    other = pydream.activation_grid(squeezenet32, PICTURE, "pool3", long_side=40, seed=1, **SMALL)
    assert (found != other).any()


def test_too_many_cells(squeezenet32):
    with pytest.raises(ParameterError, match="pool1 has 9x11 = 99 places on this picture") as error:
        pydream.activation_grid(squeezenet32, PICTURE, "pool1", most_cells=98, **SMALL)
    assert error.value.parameter == "most_cells"


def test_factors(squeezenet32):
    found = pydream.activation_factors(squeezenet32, PICTURE, "pool3", 2, **SMALL)
    assert [each.cell.shape for each in found] == [(16, 16, 3)] * 2
    assert [each.where.shape for each in found] == [PICTURE.shape] * 2
    assert found[0].share >= found[1].share
    assert all(0 < each.nearness < 1 for each in found)
    (again, _) = pydream.activation_factors(squeezenet32, PICTURE, "pool3", 2, **SMALL)
    np.testing.assert_array_equal(found[0].cell, again.cell)


def test_a_wash_has_its_colour_where_it_is():
    there = np.array([[[1.0, 0.0]]])
    found = wash(np.full((4, 8, 3), 200, np.uint8), there, (np.array([2.0]), np.array([1.0, 7.0])), 0, 3)
    assert found.shape == (4, 8, 3)
    assert found[0, 0, 0] > found[0, 0, 1] + 50  # red
    assert len(set(found[0, 7].tolist())) == 1
