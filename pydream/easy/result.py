"""A dream is a picture that knows how it was made: it shows itself, and saves itself with its record."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..dream.images import noise
from ..errors import ForeignFileError, OverwriteError, printable
from ..media import write_samples
from ..media.shown import as_jpeg, as_png
from ..picture import Picture, Samples, as_pixels, to_pixels
from ..record.made import made_note
from ..record.names import NOISE, NOISE_SIZE, noise_word, source_word
from ..record.provenance import DreamAccount, noise_facts, parse, picture_facts
from ..record.recipe import Recipe
from .inputs import Input
from .preparation import Prepared


class Dream:
    """A dream, as `pydream.dream_picture` returns it.

    A notebook shows it with its recipe. ``numpy.asarray(dream)`` is its pixels.

    Attributes
    ----------
    pixels : (H, W, 3) uint8 array
        RGB; read-only.
    samples : (H, W, 3) array
        What is saved: the pixels, or uint16 of 0..65535 or float32 with `depth`; read-only.
    image : PIL.Image.Image
    recipe : pydream.record.Recipe
        All that decides the pixels, beside the network and the pictures; its `steps` says after how many steps an
        interrupted dream was left.
    seed : int
    command : str
        The command line that makes the same.
    input : PIL.Image.Image
        What it is a dream of, as it was read, or drawn: noise.
    """

    def __init__(self, samples: Samples, recipe: Recipe, start: Input | None, prepared: Prepared) -> None:
        self.samples = samples
        self.pixels: Picture = as_pixels(samples)
        self.samples.flags.writeable = self.pixels.flags.writeable = False
        self.recipe = recipe
        self._start, self._prepared = start, prepared
        self.on_show: Callable[[], None] = lambda: None  # called when a notebook shows it

    @property
    def image(self) -> Image.Image:
        """The picture, as Pillow's: a copy."""
        return Image.fromarray(self.pixels)

    @property
    def input(self) -> Image.Image:
        """What it is a dream of, as it was read, or drawn: noise."""
        if self._start is not None:
            return Image.fromarray(self._start.pixels)
        assert self.recipe.noise is not None
        return Image.fromarray(to_pixels(noise(*self.recipe.noise, np.random.RandomState(self.seed))))

    @property
    def seed(self) -> int:
        """What decided the jitter."""
        return self.recipe.seed

    @property
    def command(self) -> str:
        """The command line that makes the same."""
        return self._command(".png")

    def _command(self, suffix: str) -> str:
        return self._prepared.command_line("dream", [self._word, "-o", f"dream{suffix}"], self.recipe)

    @property
    def _word(self) -> str:
        return source_word(self._start.name) if self._start else noise_word(self.recipe.noise or NOISE_SIZE)

    def account(self, suffix: str = ".png") -> DreamAccount:
        """Return what a file with that suffix says of itself."""
        if self._start is None:
            start = noise_facts(self.recipe.noise or NOISE_SIZE)
        else:
            start = picture_facts(self._start.name, self._start.pixels)
        return self._prepared.record(self._command(suffix), self.recipe, start, self.samples)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write it to a file with its record, from which ``pydream replay`` makes it again.

        Parameters
        ----------
        path : path-like
            A .png, .jpg, .webp or .tif file; with a `depth` one that can hold it.
        force : bool
            Whether to replace a file that is something else than this very dream.

        Raises
        ------
        OverwriteError
            The file is what it is a dream of.
        ForeignFileError
            There is something else, and no `force`.
        ImageFileError
            It cannot be written.
        """
        target, read = Path(path), self._start and self._start.file
        if read is not None and target.exists() and read.exists() and target.samefile(read):
            raise OverwriteError(f"'{target}' is the picture that this is a dream of")
        account = self.account(target.suffix.lower())
        try:
            if not force:
                made_note(target, parse, lambda made: made.unlike(account.recipe, account))
        except ForeignFileError as error:
            raise ForeignFileError(f"{error}; force=True replaces it") from error
        write_samples(target, self.samples, account.to_json(), self._start and self._start.dpi)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.pixels, dtype, copy=copy)

    # ---- shown ----

    @property
    def caption(self) -> str:
        """What it is, in a line."""
        height, width = self.pixels.shape[:2]
        recipe, facts = self.recipe, self._prepared.network
        whole = recipe.octave_n * recipe.iter_n
        done = f"interrupted after {recipe.steps} of {whole}" if recipe.steps else str(whole)
        name = Path(self._start.name).name if self._start else NOISE
        return printable(
            f"{name}, {width}×{height}: {facts.name} {recipe.dreams_with}, {done} steps in"
            f" {recipe.octave_n} octaves, seed {recipe.seed}"
        )

    def __repr__(self) -> str:
        return f"<Dream on {self.caption}>"

    def _repr_png_(self) -> bytes:
        return as_png(self.pixels)

    def _repr_html_(self) -> str:
        self.on_show()
        picture = base64.b64encode(as_jpeg(self.pixels)).decode()  # a tenth of a PNG
        return (
            f'<figure style="margin: 0"><img src="data:image/jpeg;base64,{picture}" style="max-width: 100%">'
            f"<figcaption>{escape(self.caption)}<br><code>{escape(printable(self.command))}</code></figcaption></figure>"
        )
