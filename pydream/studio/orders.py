"""An order is what a client asks for: the words of the command line, checked before anything is read or loaded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from ..dream.bounds import MOST_FRAMES
from ..dream.film import BLEND, CUT, MOST_CUT
from ..dream.keyframes import LINEAR, Curve, Ease, WholeCurve
from ..dream.light import Hold
from ..dream.objectives import Kind
from ..media.video import FASTEST
from ..zoo.registry import DEFAULT_NETWORK

PICTURE_ID, JOB_ID = "[0-9a-f]{64}", "[0-9a-f]{12}"
PictureId = Annotated[str, msgspec.Meta(pattern=rf"^{PICTURE_ID}\Z")]  # sha256: of the pixels, or of a film's file
JobId = Annotated[str, msgspec.Meta(pattern=rf"^{JOB_ID}\Z")]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]  # a layer with channels and weight, or a class
Words = Annotated[tuple[Word, ...], msgspec.Meta(max_length=100)]
Values = Annotated[tuple[float | Word, ...], msgspec.Meta(min_length=1, max_length=12)]

OrderKind = Literal["dream", "zoom", "sweep", "film"]


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network of the registry, and how it is run."""

    name: Annotated[str, msgspec.Meta(max_length=100)] = DEFAULT_NETWORK
    dtype: Literal["float32", "float64"] = "float32"


class Axis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One direction of a sheet: a parameter, and its values.

    Attributes
    ----------
    parameter : str
        A number of the recipe, ``strength``, ``layer`` or ``preset``.
    values : tuple
    """

    parameter: Annotated[str, msgspec.Meta(max_length=40)]
    values: Values


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be made; what is left out is as in the command of that name.

    Attributes
    ----------
    kind : {"dream", "zoom", "sweep", "film"}
    picture : str, optional
        The id of what is dreamt on; None: noise.
    guide, mask : str, optional
        Ids of pictures.
    network : Network
    preset : str, optional
        A look, whose parameters the others override.
    strength : float
        Factor of the iterations.
    layer, classes : tuple of str
        As `--layer` and `--class` take them.
    objective : {"l2", "mean", "sum"}, optional
    recipe : dict of str
        Fields of `pydream.record.Recipe`, by its names; ``octave_n`` may be ``"auto"``. With ``end`` and ``objective``
        there, `layer`, `classes` and `objective` are left out.
    long_side : int, optional
        What the picture's long side is resized to.
    frames : int, optional
        Of a zoom loop; of a film the most that are dreamt on.
    scale, rotate, shift, ease
        Of a zoom loop: numbers or keyframes.
    step_size, octave_n, blend : Curve, optional
        The keyframes of a zoom loop; a number is in `recipe`.
    hold : {"brightness", "contrast", "both"}, optional
        Of a zoom loop's first frame.
    fps : float, optional
        Of a zoom loop's film.
    first : int
        The first frame of a film.
    carry, flow, cut
        Of a film.
    rows, columns : Axis, optional
        Of a sheet; without either it has the network's layers.
    replaces : str, optional
        The id of a job of this page that is stopped for this one, which takes its place.
    """

    kind: OrderKind
    picture: PictureId | None = None
    guide: PictureId | None = None
    mask: PictureId | None = None
    network: Network = Network()
    preset: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    strength: float = 1.0
    layer: Words = ()
    classes: Words = ()
    objective: Kind | None = None
    recipe: dict[str, Any] = {}
    long_side: Annotated[int, msgspec.Meta(ge=1, le=10**5)] | None = None
    frames: Annotated[int, msgspec.Meta(ge=1, le=MOST_FRAMES)] | None = None
    scale: float | Curve | None = None
    rotate: float | Curve | None = None
    shift: tuple[float | Curve, float | Curve] | None = None
    ease: Ease = LINEAR
    step_size: Curve | None = None
    octave_n: WholeCurve | None = None
    blend: Curve | None = None
    hold: Hold | None = None
    fps: Annotated[float, msgspec.Meta(gt=0, le=FASTEST)] | None = None
    first: Annotated[int, msgspec.Meta(ge=0, lt=MOST_FRAMES)] = 0
    carry: Annotated[float, msgspec.Meta(ge=0, le=1)] = BLEND
    flow: bool = False
    cut: Annotated[float, msgspec.Meta(ge=0, le=MOST_CUT)] = CUT
    rows: Axis | None = None
    columns: Axis | None = None
    replaces: JobId | None = None

    @property
    def pictures(self) -> dict[str, PictureId]:
        """The ids of its pictures, by their roles."""
        roles = {"picture": self.picture, "guide": self.guide, "mask": self.mask}
        return {role: id for role, id in roles.items() if id is not None}


class ClassesWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a network is shown: a picture, or what a job was made of and its result.

    Attributes
    ----------
    job, picture : str, optional
        One of them.
    network : str, optional
        That looks at a picture; a job has its own.
    """

    job: JobId | None = None
    picture: PictureId | None = None
    network: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class ThumbnailsWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which small dreams are wanted: of a network's layers, of a layer's channels, or of the looks."""

    picture: PictureId | None = None
    network: Annotated[str, msgspec.Meta(max_length=100)]
    of: Literal["layers", "channels", "presets"]
    layer: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    start: Annotated[int, msgspec.Meta(ge=0, le=10**6)] = msgspec.field(default=0, name="from")
    count: Annotated[int, msgspec.Meta(ge=1, le=100)] = 24
