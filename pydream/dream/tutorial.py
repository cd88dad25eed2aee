"""The TensorFlow tutorial of 2016: four ways up the gradient of a score, with its names, defaults and order.

A score, the tutorial's `t_obj` reduced by its mean, is made of a layer's activations: the mean of one channel, of the
sum of some, or of the square of all. Pictures are (H, W, 3), RGB; the network sees them as it always does. Noise is
float64, as `numpy.random` draws it, and stays so until it is resized; what the network or resizing makes has the
network's dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..errors import SilentScoreError, ZeroGradientError
from ..net import Affine, Array, Blob, Net
from ..picture import as_picture
from ..tiles.fitting import choose_side
from ..tiles.net import OnTile, tiled
from ..tiles.plan import LARGEST_TILE
from .bounds import require, whole_number
from .images import as_image, as_seen, noise, picture_gradient
from .laplacian import MOST_LEVELS, lap_normalize
from .notebook import DreamInterrupted
from .objectives import Objective, channels_text, check_channels
from .octaves import Size, check_memory, check_octaves
from .params import check_params, find_end
from .watch import Watch

NOISE_SIZE: Size = (224, 224)  # of the tutorial's img_noise
TILE_SIZE = 512
MOST_PIXELS = 10**8  # of a picture that grows with its octaves
NAIVE_COPIES = 7.25  # most arrays of the picture's size that `render_naive` holds, as counted in docs/tiles.md

Channels = int | Sequence[int] | None
Gradient = Callable[[Array], Array]  # (h, w, 3) picture -> (h, w, 3) gradient of the score at it
RandomState = np.random.RandomState


def render_naive(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 20,
    step: float = 1.0,
    *,
    rng: RandomState | None = None,
    watch: Watch | None = None,
    tile: int | None = None,
) -> Array:
    """Climb the gradient of the whole picture, divided by its standard deviation.

    Parameters
    ----------
    net : Net
    layer : str, optional
        The layer whose activations are scored; in a Caffe network that is before an in-place ReLU. None: the network's
        default.
    channel : int or sequence of int, optional
        Score the mean of that channel, or of the sum of these. None: the mean of the square of all.
    img0 : (H, W, 3) array_like, optional
        RGB, 0..255, the picture to start from; left as it is. None: `noise` of `NOISE_SIZE`.
    iter_n : int
        Steps in each octave.
    step : float
        Factor of the normalised gradient, at most `pydream.dream.params.LARGEST_STEP`; below 0 it goes down.
    rng : numpy.random.RandomState, optional
        Draws the noise, and then the shifts of tiles. None: NumPy's global legacy state, as in the tutorial.
    watch : Watch, optional
        Its `step` is called with the picture so far, its `tile` where there are tiles; its `octave` is not called.
    tile : int, optional
        As for `pydream.deepdream`: exact tiles, to save memory. The other renderers need none, because their network
        sees no more of a picture than one of the tutorial's own tiles: see `calc_grad_tiled`.

    Returns
    -------
    (H, W, 3) array
        RGB, neither clipped nor scaled: see `to_display`.

    Raises
    ------
    DreamInterrupted
        On Ctrl-C, with the picture so far.
    SilentScoreError
        The gradient was zero at every step.
    ZeroGradientError
        The gradient is not finite.
    ShapeError
        An octave is too small for `layer`. Raised before anything is computed.
    UnknownNameError
        The network has no such layer or channel.
    ValueError
        A parameter is out of its range, or `img0` is not a picture.
    """
    return _Naive(net).render(layer, channel, img0, iter_n, step, rng, watch, tile)


def render_multiscale(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 10,
    step: float = 1.0,
    octave_n: int = 3,
    octave_scale: float = 1.4,
    *,
    rng: RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Climb tile by tile while the picture grows: `octave_n` sizes, each `octave_scale` times the last, rounded down.

    Parameters and errors are those of `render_naive`; the result is larger than `img0`, see `grown_sizes`.
    """
    return Multiscale(net, octave_n, octave_scale).render(layer, channel, img0, iter_n, step, rng, watch)


def render_lapnorm(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 10,
    step: float = 1.0,
    octave_n: int = 3,
    octave_scale: float = 1.4,
    lap_n: int = 4,
    *,
    rng: RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Climb as `render_multiscale` does, with gradients whose bands of detail are equally strong: `lap_normalize`.

    Parameters and errors are those of `render_naive` and `render_multiscale`; `lap_n` is the number of levels that are
    split off, at most `pydream.dream.laplacian.MOST_LEVELS`.
    """
    return _LapNorm(net, octave_n, octave_scale, lap_n).render(layer, channel, img0, iter_n, step, rng, watch)


def render_deepdream(
    net: Net,
    layer: str | None = None,
    channel: Channels = None,
    img0: ArrayLike | None = None,
    iter_n: int = 10,
    step: float = 1.5,
    octave_n: int = 4,
    octave_scale: float = 1.4,
    *,
    rng: RandomState | None = None,
    watch: Watch | None = None,
) -> Array:
    """Split the picture into octaves, climb in the smallest, and add the details of each of the others back in turn.

    Parameters and errors are those of `render_naive`. The gradient is divided by its mean; pixels are not clipped. An
    interrupted dream is enlarged to full size.
    """
    return _DeepDream(net, octave_n, octave_scale).render(layer, channel, img0, iter_n, step, rng, watch)


RENDERERS: dict[str, Callable[..., Array]] = {
    "naive": render_naive,
    "multiscale": render_multiscale,
    "lapnorm": render_lapnorm,
    "deepdream": render_deepdream,
}


class Renderer:
    """The loop that the four ways share; a subclass says how an octave starts and how the gradient is normalised.

    Parameters
    ----------
    net : Net
    octave_n, octave_scale
        As for `render_multiscale`.
    """

    name: str
    seen = TILE_SIZE  # the most pixels, along either axis, that the network sees at once
    sizes: list[Size]  # of the octaves, the largest first

    def __init__(self, net: Net, octave_n: int = 1, octave_scale: float = 1.0) -> None:
        check_params(octave_n=octave_n, octave_scale=octave_scale)
        self.net, self.octave_n, self.octave_scale = net, octave_n, octave_scale

    def gradient(self, t_grad: Gradient, img: Array, rng: RandomState | None) -> Array:
        """Return the gradient at the picture."""
        return calc_grad_tiled(img, t_grad, rng=rng)

    def normalize(self, g: Array, step: float) -> Array:
        """Return what a step adds to the picture."""
        change: Array = g / (g.std() + 1e-8) * step
        return change

    def start(self, img: Array, octave: int) -> Array:
        """Return the picture at the start of an octave; `img` is the result of the one before, or the first picture."""
        return img

    def finish(self, img: Array, octave: int) -> Array:
        """Return the result of a run that was interrupted in an octave."""
        return img

    def picture(self, img: Array) -> Array:
        """Return the picture of what is climbed in, where that is not the picture itself."""
        return img

    def render(
        self,
        layer: str | None,
        channel: Channels,
        img0: ArrayLike | None,
        iter_n: int,
        step: float,
        rng: RandomState | None,
        watch: Watch | None,
        tile: int | None = 0,
    ) -> Array:
        """Climb: see `render_naive`."""
        check_params(iter_n=iter_n, step_size=step, rng=rng, tile=tile)
        net, watch = self.net, watch or Watch()
        t_grad = _ScoreGradient(net, layer, channel)
        img = noise(*NOISE_SIZE, rng) if img0 is None else as_picture(img0, "img0")
        h, w = img.shape[:2]
        self.sizes = rendered_sizes(self.name, h, w, self.octave_n, self.octave_scale)
        check_octaves(net, t_grad.layer, [(min(h, self.seen), min(w, self.seen)) for h, w in self.sizes])
        t_grad.divide(tile, h, w, watch.tile)
        img = img.astype(np.result_type(img, net.dtype) if img.dtype.kind == "f" else net.dtype)
        img = self.start(as_seen(net, img), 0)
        reached = steps = 0
        try:
            with net.one_thread():
                for octave in range(self.octave_n):
                    if octave > 0:
                        img, reached = self.start(img, octave), octave
                    for i in range(iter_n):
                        img = img + self.normalize(self.gradient(t_grad, img, rng), step)
                        steps += 1
                        watch.step(octave, i, partial(self.picture, img))
        except KeyboardInterrupt as interrupt:
            raise DreamInterrupted(self.picture(self.finish(img, reached)), steps) from interrupt
        t_grad.check_found()
        return self.picture(img)


class _Naive(Renderer):
    name = "naive"
    seen = LARGEST_TILE

    def gradient(self, t_grad: Gradient, img: Array, rng: RandomState | None) -> Array:
        return t_grad(img)


class Multiscale(Renderer):
    """The loop of growing sizes."""

    name = "multiscale"

    def start(self, img: Array, octave: int) -> Array:
        """Enlarge the picture."""
        return img if octave == 0 else resize(img, self.sizes[-1 - octave], self.net.dtype)


class _LapNorm(Multiscale):
    name = "lapnorm"

    def __init__(self, net: Net, octave_n: int, octave_scale: float, lap_n: int) -> None:
        super().__init__(net, octave_n, octave_scale)
        self._lap_n = whole_number("lap_n", lap_n, 0, MOST_LEVELS)

    def normalize(self, g: Array, step: float) -> Array:
        # In the network's dtype, even for noise in float64: the tutorial's pyramid is part of its graph.
        return lap_normalize(g.astype(self.net.dtype), self._lap_n) * step


class _DeepDream(Renderer):
    name = "deepdream"
    _details: list[Array]  # the largest first

    def normalize(self, g: Array, step: float) -> Array:
        change: Array = g * (step / (np.abs(g).mean() + 1e-7))
        return change

    def start(self, img: Array, octave: int) -> Array:
        if octave == 0:
            check_memory(self.sizes, self.net.dtype.itemsize)
            self._details = []
            for size in self.sizes[1:]:
                lo = resize(img, size, self.net.dtype)
                self._details.append(img - resize(lo, img.shape[:2], self.net.dtype))
                img = lo
            return img
        hi = self._details[-octave]
        larger: Array = resize(img, hi.shape[:2], self.net.dtype) + hi
        return larger

    def finish(self, img: Array, octave: int) -> Array:
        for later in range(octave + 1, self.octave_n):
            img = self.start(img, later)
        return img


def score_gradient(net: Net, layer: str | None = None, channel: Channels = None) -> Gradient:
    """Return what the tutorial calls `t_grad`: the function from a picture to the gradient of the score at it.

    Parameters
    ----------
    net, layer, channel
        As for `render_naive`.

    Returns
    -------
    callable
        (h, w, 3) picture, RGB → (h, w, 3) gradient, of the network's dtype.
    """
    return _ScoreGradient(net, layer, channel)


class _ScoreGradient:
    """A `Gradient` that remembers whether it was ever different from zero."""

    def __init__(self, net: Net, layer: str | None, channel: Channels) -> None:
        self._net = net
        self.layer = find_end(net, layer)
        self._objective = _score(net, self.layer, channel)
        self._what = repr(self.layer) if channel is None else f"{self.layer!r}:{channels_text(_channels(channel))}"
        self._found = False

    def divide(self, side: int | None, height: int, width: int, on_tile: OnTile) -> None:
        """Compute the gradient in tiles of that side from now on; 0: in one run, None: as memory allows."""
        if side is None:
            side = choose_side(self._net, [self.layer], height, width, copies=NAIVE_COPIES)
        self._net = tiled(self._net, [self.layer], side, on_tile)

    def __call__(self, img: Array) -> Array:
        with (net := self._net).one_thread():
            net.resize(*img.shape[:2])
            as_image(net, img, out=net.image.data[0])
            net.forward(end=self.layer)
            self._objective(net.blobs[self.layer])
            g = picture_gradient(net, net.gradient(self.layer))
        largest = np.abs(g).max()
        if not math.isfinite(largest):
            raise ZeroGradientError(
                f"the gradient of {self._what} at the image is not finite: values overflow; try a smaller step,"
                " float64, or an earlier layer"
            )
        self._found |= bool(largest > 0)
        return g

    def check_found(self) -> None:
        """Raise `SilentScoreError` if every gradient was zero."""
        if not self._found:
            raise SilentScoreError(
                f"the gradient of {self._what} was zero at every step: nothing in the picture moves it; try another"
                " seed or picture, or a layer before its ReLU"
            )


def _score(net: Net, layer: str, channel: Channels) -> Objective:
    """Return the objective that writes the gradient of the score at the layer."""
    if channel is None:

        def mean_square(dst: Blob) -> None:
            dst.drive(Affine(2 / math.prod(dst.shape)))

        return mean_square

    channels = _channels(channel)
    check_channels(net, layer, channels)

    def mean_of_channels(dst: Blob) -> None:
        count, *sizes = dst.shape[1:]
        bias = np.zeros((count, *[1] * len(sizes)))
        bias[channels] = 1 / math.prod(sizes)
        dst.drive(Affine(0, bias))

    return mean_of_channels


def _channels(channel: int | Sequence[int]) -> list[int]:
    return [channel] if isinstance(channel, int) else list(channel)


def calc_grad_tiled(
    img: Array, t_grad: Gradient, tile_size: int = TILE_SIZE, rng: np.random.RandomState | None = None
) -> Array:
    """Compute a gradient tile by tile, in the memory that a tile takes, with a random shift that hides the seams.

    Parameters
    ----------
    img : (H, W, 3) array
    t_grad : callable
        As `score_gradient` returns it; called for each tile.
    tile_size : int
        Height and width of a tile, in pixels.
    rng : numpy.random.RandomState, optional
        Draws the horizontal shift, and then the vertical one. None: NumPy's global legacy state.

    Returns
    -------
    (H, W, 3) array
        Of the image's dtype. A remainder of at most half a tile at the end of the shifted image is left at zero.
    """
    sz = tile_size
    h, w = img.shape[:2]
    sx, sy = (np.random if rng is None else rng).randint(sz, size=2)
    img_shift = np.roll(np.roll(img, sx, 1), sy, 0)
    grad = np.zeros_like(img)
    for y in _tile_starts(h, sz):
        for x in _tile_starts(w, sz):
            grad[y : y + sz, x : x + sz] = t_grad(img_shift[y : y + sz, x : x + sz])
    return np.roll(np.roll(grad, -sx, 1), -sy, 0)


def _tile_starts(size: int, tile_size: int) -> range:
    return range(0, max(size - tile_size // 2, tile_size), tile_size)


def resize(img: Array, size: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Resize as TensorFlow's `resize_bilinear` of 2016 does: bilinear, legacy corners, no antialiasing.

    Output pixel i is the input at i * in / out, without an offset of half a pixel; beyond the end the last pixel is
    repeated. In float32 every rounding is TensorFlow's.

    Parameters
    ----------
    img : (H, W, C) array
    size : (height, width)
    dtype : dtype
        Of the arithmetic and the result.

    Returns
    -------
    (height, width, C) array
    """
    img = img.astype(dtype)
    for axis in (1, 0):  # a row's pixels first, then the rows: TensorFlow's order
        lower, upper, lerp = _interpolation(img.shape[axis], size[axis], img.dtype)
        nearer = img.take(lower, axis)
        img = nearer + (img.take(upper, axis) - nearer) * np.expand_dims(lerp, (0, 2) if axis else (1, 2))
    return img


def _interpolation(in_size: int, out_size: int, dtype: np.dtype[Any]) -> tuple[Array, Array, Array]:
    """Return, for each output pixel along an axis, the two input pixels that it lies between, and the fraction."""
    scale = dtype.type(in_size) / dtype.type(out_size)
    place = np.arange(out_size).astype(dtype) * scale
    lower = np.floor(place)
    upper = np.minimum(np.ceil(place), in_size - 1)
    return lower.astype(np.intp), upper.astype(np.intp), place - lower


def visstd(a: Array, s: float = 0.1) -> Array:
    """Scale an image to a mean of 0.5 and a standard deviation of `s`, for display as 0..1."""
    scaled: Array = (a - a.mean()) / max(a.std(), 1e-4) * s + 0.5
    return scaled


def to_display(renderer: str, img: Array) -> Array:
    """Return a rendered image as it is shown, 0..255 once clipped: by `visstd` those that leave the range of pixels."""
    return img if renderer in ("deepdream", "decorrelated", "maco") else visstd(img) * 255


def rendered_sizes(renderer: str, height: int, width: int, octave_n: int = 1, octave_scale: float = 1.4) -> list[Size]:
    """Return the (height, width) of every octave of a renderer, the largest first: that of the result."""
    if renderer in ("naive", "maco"):
        return [(height, width)]
    sizes = split_sizes if renderer == "deepdream" else grown_sizes
    return sizes(height, width, octave_n, octave_scale)


def grown_sizes(height: int, width: int, octave_n: int = 3, octave_scale: float = 1.4) -> list[Size]:
    """Return the sizes that a picture grows to, the largest first; each is ``int32(float32(hw) * octave_scale)``."""
    sizes = [(height, width)]
    for _ in range(octave_n - 1):
        larger = np.array(sizes[-1], np.float32) * np.float32(octave_scale)
        require(
            bool(larger.prod() <= MOST_PIXELS),
            "octave_n, octave_scale",
            (octave_n, octave_scale),
            f"octaves of at most {MOST_PIXELS} pixels from {width}x{height}",
        )
        sizes.append((int(larger[0]), int(larger[1])))
    return sizes[::-1]


def split_sizes(height: int, width: int, octave_n: int = 4, octave_scale: float = 1.4) -> list[Size]:
    """Return the sizes that a picture is split into, its own first; each is ``int32(float32(hw) / octave_scale)``."""
    sizes = [(height, width)]
    for _ in range(octave_n - 1):
        smaller = np.array(sizes[-1], np.float32) / np.float32(octave_scale)
        sizes.append((int(smaller[0]), int(smaller[1])))
    return sizes
