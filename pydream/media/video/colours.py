"""A decoded frame becomes a picture: in RGB by the colour space that it declares, and upright."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ...errors import VideoFileError
from ...picture import Picture
from .libav import EXACT_SCALING, FULL, LIMITED

if TYPE_CHECKING:
    from av import VideoFrame

# H.273's numbers of matrices → swscale's. One of these two, by the size of the frame, stands for an unspecified matrix
# and for those that swscale does not have.
_BT709, _BT601 = 1, 5
_MATRICES = {1: _BT709, 4: 4, 5: _BT601, 6: _BT601, 7: 7, 9: 9, 10: 9}
_HDR = {16: "PQ", 18: "HLG"}


def check_range(frame: VideoFrame, path: Path) -> None:
    """Raise `VideoFileError` for HDR, which would look pale and dark in 8 bits."""
    if frame.color_trc in _HDR:
        raise VideoFileError(
            f"'{path}' is HDR ({_HDR[frame.color_trc]}), which is not converted: convert it to BT.709 first, e.g. with"
            " FFmpeg's tonemap filter"
        )


def rgb(frame: VideoFrame) -> Picture:
    """Return a frame as (H, W, 3) RGB, with transparency on white."""
    high = frame.width >= 1280 or frame.height > 576  # as in mpv
    full = frame.color_range == FULL or frame.format.name.startswith("yuvj") or frame.format.is_rgb
    transparent = any(component.is_alpha for component in frame.format.components) or frame.format.has_palette
    converted: Picture = frame.reformat(
        format="rgba" if transparent else "rgb24",
        src_colorspace=None if frame.format.is_rgb else _MATRICES.get(frame.colorspace, _BT709 if high else _BT601),
        src_color_range=FULL if full else LIMITED,
        dst_color_range=FULL,
        interpolation=EXACT_SCALING,
        threads=1,
    ).to_ndarray()  # type: ignore[assignment]  # both formats have 8 bits
    if not transparent:
        return converted
    image = Image.fromarray(converted)
    return np.array(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


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
