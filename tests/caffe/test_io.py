"""pycaffe's io: written out from its definition, in plain loops."""

import numpy as np
import pytest
from PIL import Image

from pydream.caffe import io
from pydream.caffe.io import Transformer
from pydream.caffe.proto import caffe_pb2
from pydream.errors import UnknownNameError

RNG = np.random.default_rng(8)


def test_pictures_are_rgb_from_0_to_1(tmp_path):
    pixels = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    found = io.load_image(tmp_path / "a.png")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, pixels / 255, rtol=1e-7)
    luma = (pixels / 255) @ [0.2125, 0.7154, 0.0721]
    np.testing.assert_allclose(io.load_image(tmp_path / "a.png", color=False), luma[..., np.newaxis], rtol=1e-6)
    assert io.load_image(tmp_path / "grey.png").shape == (5, 7, 3)


@pytest.mark.parametrize("size", [(6, 4), (13, 20), (9, 11)])
@pytest.mark.parametrize("channels", [1, 3])
def test_resizing_is_that_of_pixels_as_areas(size, channels):
    """Output o reads at (o + 1/2) * in/out - 1/2, and the darkest value outside."""
    image = RNG.normal(0, 3, (9, 11, channels)).astype(np.float32)
    wanted = np.empty((*size, channels))
    low = image.min()
    for y, x in np.ndindex(size):
        at = [(o + 0.5) * n / m - 0.5 for o, n, m in zip((y, x), image.shape, size, strict=False)]
        total = np.zeros(channels)
        for row in (np.floor(at[0]), np.floor(at[0]) + 1):
            for column in (np.floor(at[1]), np.floor(at[1]) + 1):
                inside = 0 <= row < image.shape[0] and 0 <= column < image.shape[1]
                value = image[int(row), int(column)] if inside else low
                total += (1 - abs(at[0] - row)) * (1 - abs(at[1] - column)) * value
        wanted[y, x] = total
    found = io.resize_image(image, size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5)


def test_flat_pictures_and_many_channels():
    np.testing.assert_array_equal(io.resize_image(np.full((4, 4, 3), 7.0), (2, 9)), np.full((2, 9, 3), 7, np.float32))
    assert io.resize_image(RNG.random((4, 6, 5)), (8, 3)).shape == (8, 3, 5)


def test_ten_crops():
    image = np.arange(5 * 6 * 1, dtype=np.float32).reshape(5, 6, 1)
    crops = io.oversample([image, -image], (3, 4))
    assert crops.shape == (20, 3, 4, 1)
    corners = [image[:3, :4], image[:3, 2:], image[2:, :4], image[2:, 2:], image[1:4, 1:5]]
    for crop, mirrored, corner in zip(crops[:5], crops[5:10], corners, strict=True):
        np.testing.assert_array_equal(crop, corner)
        np.testing.assert_array_equal(mirrored, corner[:, ::-1])
    np.testing.assert_array_equal(crops[10:], -crops[:10])


def test_a_transformers_order():
    """Transpose, swap channels, raw scale, mean, input scale; the picture given stays as it is."""
    transformer = Transformer({"data": (1, 3, 4, 5)})
    mean = RNG.random((3, 4, 5)).astype(np.float32)
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 0, 1))
    transformer.set_raw_scale("data", 255)
    transformer.set_mean("data", mean)
    transformer.set_input_scale("data", 0.5)
    picture = RNG.random((4, 5, 3)).astype(np.float32)
    before = picture.copy()
    wanted = (picture.transpose(2, 0, 1)[[2, 0, 1]] * 255 - mean) * 0.5
    found = transformer.preprocess("data", picture)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_allclose(transformer.deprocess("data", found[np.newaxis]), picture, rtol=0, atol=1e-6)
    larger = transformer.preprocess("data", RNG.random((9, 8, 3)))
    assert (larger.shape, larger.dtype) == ((3, 4, 5), np.float32)


def test_a_plain_transformer_keeps_what_it_is_given():
    transformer = Transformer({"data": (1, 3, 4, 5)})
    picture = RNG.random((4, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(transformer.preprocess("data", picture), picture)


def test_what_a_transformer_refuses():
    transformer = Transformer({"data": (1, 3, 4, 5)})
    for call in (
        lambda: transformer.set_transpose("data", (1, 0)),
        lambda: transformer.set_channel_swap("data", (1, 0)),
        lambda: transformer.set_mean("data", np.ones(2)),
        lambda: transformer.set_mean("data", np.ones((2, 4, 5))),
        lambda: transformer.set_mean("data", np.ones((1, 3, 4, 5))),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
    for call in (transformer.set_raw_scale, transformer.set_input_scale, transformer.set_mean):
        with pytest.raises(UnknownNameError, match="no input 'date'; there are: 'data'"):
            call("date", 1.0)
    transformer.set_mean("data", np.full((3, 8, 8), 2.0))
    assert transformer.mean["data"].shape == (3, 4, 5)
    np.testing.assert_allclose(transformer.mean["data"], 2)


def test_messages_are_arrays():
    values = RNG.normal(size=(1, 2, 3, 4)).astype(np.float32)
    blob = io.array_to_blobproto(values, diff=-values)
    np.testing.assert_array_equal(io.blobproto_to_array(blob), values)
    np.testing.assert_array_equal(io.blobproto_to_array(blob, return_diff=True), -values)
    old = caffe_pb2.BlobProto(num=1, channels=3, height=1, width=2, data=range(6))
    assert io.blobproto_to_array(old).tolist() == [[[[0, 1]], [[2, 3]], [[4, 5]]]]
    text = io.arraylist_to_blobprotovector_str([values, values[0]])
    for found, wanted in zip(io.blobprotovector_str_to_arraylist(text), (values, values[0]), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for array in (values[0], RNG.integers(0, 256, (2, 3, 4), dtype=np.uint8)):
        datum = io.array_to_datum(array, 5)
        assert datum.label == 5
        np.testing.assert_array_equal(io.datum_to_array(datum), array)
    with pytest.raises(ValueError, match="expected"):
        io.array_to_datum(values)
