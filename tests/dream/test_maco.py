"""MaCo: gradients at phases against finite differences, magnitudes that stay, and those of pictures."""

import numpy as np
import pytest
from scipy import fft
from support import nets

from pydream.dream import renderers
from pydream.dream.maco import BINS, CONTRAST, _MaCo, magnitudes_of, render_maco, spectrum
from pydream.dream.spectrum import COLORS
from pydream.dream.squash import bounded, bounded_slope, unbounded

MAGNITUDES = tuple(float(f"{0.8**k:.4g}") for k in range(BINS))


@pytest.fixture(scope="module")
def net():
    layer = nets.layer("a", "Convolution", "data", "a", "convolution_param { num_output: 2 kernel_size: 3 }")
    rng = np.random.default_rng(0)
    return nets.build(
        nets.inputs(data=(1, 3, 12, 11)) + layer, runtime="numpy", a=[nets.normal(rng, 2, 3, 3, 3), nets.normal(rng, 2)]
    )


@pytest.mark.parametrize("size", [(12, 11), (9, 14), (1, 1)])
def test_the_gradient_at_phases(net, size):
    """Of any score of the picture: along random directions, by finite differences."""
    rng = np.random.default_rng(1)
    maco = _MaCo(net, 10, 1.0, None)
    phases = maco.start(rng.uniform(90, 160, (*size, 3)), 0)
    goal = rng.normal(size=(*size, 3))
    z = maco._frequencies(phases)
    g = maco._phases(goal * bounded_slope(maco._values(z)), z)
    for _ in range(4):
        d = rng.normal(size=phases.shape)
        up, down = ((bounded(maco._values(maco._frequencies(phases + h * d))) * goal).sum() for h in (1e-6, -1e-6))
        assert np.vdot(g, d) == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("magnitudes", [None, MAGNITUDES])
def test_magnitudes_stay(net, magnitudes):
    """Whatever the phases become, the unmixed channels have them, and the contrast of photographs."""
    img = np.random.RandomState(1).uniform(100, 150, (64, 64, 3))
    found = render_maco(net, "a", 1, img, iter_n=3, step=0.5, magnitudes=magnitudes, rng=np.random.RandomState(0))
    assert found.shape == (64, 64, 3)
    planes = np.tensordot(np.linalg.inv(COLORS), np.moveaxis(unbounded(np.float64(found)), -1, 0), 1)
    radii = spectrum((64, 64), 1.0, magnitudes)
    assert radii[0, 0] == 0
    for plane in planes:
        ratio = np.abs(fft.rfft2(plane))[:12, 1:12] / radii[:12, 1:12]
        assert np.median(ratio) == pytest.approx(1, abs=0.05)
        assert plane.std() == pytest.approx(CONTRAST, rel=0.1)
    start = render_maco(net, "a", 1, img, iter_n=1, step=1e-9, magnitudes=magnitudes, rng=np.random.RandomState(0))
    assert np.abs(found - start).mean() > 5


def test_it_climbs(net):
    """And in tiles to the same picture."""
    img = np.random.RandomState(1).uniform(100, 150, (40, 50, 3))

    def rendered(**params):
        return render_maco(net, "a", 0, img, rng=np.random.RandomState(2), **params)

    def score(picture):
        net.resize(40, 50)
        net.image.data[0] = np.moveaxis(picture, -1, 0)[::-1]
        net.forward(end="a")
        return net.blobs["a"].data[0, 0].mean()

    found = rendered(iter_n=6)
    assert score(found) > score(rendered(iter_n=1, step=1e-9))
    np.testing.assert_allclose(rendered(iter_n=6, tile=16), found, atol=1e-6)


def test_magnitudes_of_pictures():
    """Noise whose magnitudes fall as 1 / frequency has about these, whatever its size and contrast."""
    phases = np.random.RandomState(0).uniform(-np.pi, np.pi, (2, 300, 151))
    pictures = [
        np.uint8(np.clip(128 + fft.irfft2(spectrum((300, 300)) * np.exp(1j * each), (300, 300)) / n, 0, 255))
        for n, each in enumerate(phases, start=1)
    ]
    pictures = [np.repeat(each[:, :, np.newaxis], 3, 2) for each in pictures]
    found = magnitudes_of(pictures)
    assert len(found) == BINS
    slope, _ = np.polyfit(np.arange(4, 14), np.log2(found[4:14]), 1)  # of few frequencies the mean is chance
    assert slope == pytest.approx(-0.5, abs=0.05)
    assert found == renderers.magnitudes_of(pictures)
    with pytest.raises(ValueError, match="no picture with contrast"):
        magnitudes_of([np.full((9, 9, 3), 7, np.uint8)])
    with pytest.raises(ValueError, match=r"magnitudes: .*, expected 15 numbers above 0"):
        render_maco(None, magnitudes=(1.0, 0.0))
