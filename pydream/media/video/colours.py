"""A decoded frame becomes a picture: in RGB by the colour space that it declares, and upright."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...picture import Picture
from .hdr import HDR, tone_mapped
from .libav import EXACT_SCALING, FULL, LIMITED

if TYPE_CHECKING:
    from av import VideoFrame

# H.273's numbers of matrices → swscale's. One of these, by the size of the frame or since it is HDR, stands for an
# unspecified matrix and for those that swscale does not have.
_BT709, _BT601, _BT2020 = 1, 5, 9
_MATRICES = {1: _BT709, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: _BT2020, 10: _BT2020}


def rgb(frame: VideoFrame) -> Picture:
    """Return a frame as (H, W, 3) RGB: transparency on white, HDR as BT.709."""
    if frame.color_trc in HDR:
        return tone_mapped(_converted(frame, "rgb48le", _BT2020), frame.color_trc)
    high = frame.width >= 1280 or frame.height > 576  # as in mpv
    transparent = any(component.is_alpha for component in frame.format.components) or frame.format.has_palette
    converted: Picture = _converted(frame, "rgba" if transparent else "rgb24", _BT709 if high else _BT601)
    if not transparent:
        return converted
    image = Image.fromarray(converted)
    return np.array(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


def _converted(frame: VideoFrame, to: str, unspecified: int) -> NDArray[Any]:
    """Return a frame in RGB, full range, by the matrix that it declares, or else by this one."""
    full = frame.color_range == FULL or frame.format.name.startswith("yuvj") or frame.format.is_rgb
    return frame.reformat(
        format=to,
        src_colorspace=None if frame.format.is_rgb else _MATRICES.get(frame.colorspace, unspecified),
        src_color_range=FULL if full else LIMITED,
        dst_color_range=FULL,
        interpolation=EXACT_SCALING,
        threads=1,
    ).to_ndarray()


def display_matrix(frame: VideoFrame) -> Sequence[int]:
    """Return where the frame's axes point when it is shown: (right, down) of its right, then of its down."""
    data: Any = frame.side_data
    if "DISPLAYMATRIX" not in data:
        return 1, 0, 0, 1
    right_right, right_down, _, down_right, down_down, *_ = np.frombuffer(data["DISPLAYMATRIX"], np.int32).tolist()
    return right_right, right_down, down_right, down_down


def is_turned(matrix: Sequence[int]) -> bool:
    """Return whether width and height are swapped when the frame is shown. Players turn by right angles only."""
    right_right, right_down, _, _ = matrix
    return abs(right_down) > abs(right_right)


def upright(picture: Picture, matrix: Sequence[int]) -> Picture:
    """Return a picture turned and mirrored as it is to be shown."""
    right_right, right_down, down_right, down_down = matrix
    across, along = right_right, down_down
    if is_turned(matrix):
        picture = picture.swapaxes(0, 1)
        across, along = down_right, right_down
    return np.ascontiguousarray(picture[:: -1 if along < 0 else 1, :: -1 if across < 0 else 1])
