"""A film is read twice: once to find its size, its times and what is damaged, then frame by frame."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ...errors import VideoFileError
from ...picture import Picture
from ..image import LONGEST_NOTE
from .colours import display_matrix, is_turned, rgb, upright
from .footage import WHOLE, Footage, Section, check_found
from .libav import decoder_options, opened, read_errors, text
from .settings import Times
from .sound import Sound, is_decodable
from .stills import is_webp, read_animation

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.stream import Stream

_FINEST = 1_000_000  # ticks a second
_MPEG_CLOCK = 90_000  # ticks a second, in place of finer ones


class _Decoded(Footage):
    """A film that libav decodes."""

    def decoded(self, first: int) -> Iterator[Picture]:
        with read_errors(self.path), opened(self.path) as container:
            for frame in islice(_Film(self.path, container), first, None):
                yield upright(rgb(frame), display_matrix(frame))


def read_video(
    path: Path, section: Section = WHOLE, on_frame: Callable[[], object] = lambda: None, to_srgb: bool = True
) -> Footage:
    """Read a film, or a section of it: every frame is decoded once for its time and size; `Footage.frames` yields them.

    Frames that cannot be decoded are skipped; those after them keep their times.

    Parameters
    ----------
    path : Path
    section : Section
    on_frame : callable, optional
        Called after each decoded frame.
    to_srgb : bool
        As for `read_image`: frames of an animated WebP may have a colour profile.

    Raises
    ------
    VideoFileError
        If there is no such file, it is not a film, has frames of several sizes or of more pixels than a picture may
        have; or none of its frames is in the section.
    """
    if is_webp(path):
        return read_animation(path, section, on_frame, to_srgb)
    with read_errors(path), opened(path) as container:
        film = _Film(path, container)
        ticks, sizes, turned = array("q"), set(), False
        number, time = -1, Fraction(0)
        for number, frame in enumerate(film):
            end, time = film.now, film.seconds
            if section.is_over(number, time):
                break
            end += frame.duration or 0
            if section.has(number, time):
                ticks.append(film.now)
                turned = is_turned(display_matrix(frame))
                sizes.add((frame.width, frame.height) if turned else (frame.height, frame.width))
            on_frame()
        else:
            number += 1
        check_found(path, ticks, number, time)
        if len(sizes) > 1:
            seen = " and ".join(f"{width}×{height}" for height, width in sorted(sizes))
            raise VideoFileError(f"the frames of '{path}' have several sizes, {seen}: cut it where the size changes")
        if end <= ticks[-1]:  # the duration of the last frame is unknown
            end = ticks[-1] + (ticks[-1] - ticks[-2] if len(ticks) > 1 else film.usual)
        ticks.append(end)
        first = number - len(ticks) + 1
        aspect = Fraction(film.stream.sample_aspect_ratio or 1)
        return _Decoded(
            path,
            sizes.pop(),
            first,
            _coarser(Times(ticks, film.tick)),
            next((rate for rate in film.rates if _is_constant(ticks[:-1], film.tick, rate)), None),
            1 / aspect if turned else aspect,
            _sound(path, container, Times(ticks, film.tick), whole=(first == 0, film.ended)),
            _left_out(container, film.stream),
            film.damaged,
        )


def read_comment(path: Path) -> str | None:
    """Read a film's comment, which is untrusted text; None if there is none."""
    with opened(path) as container:
        return text(container.metadata.get("comment", ""))[: LONGEST_NOTE + 1] or None


class _Film:
    """The frames of a container, in the order in which they are shown.

    Attributes
    ----------
    now : int
        Time of the current frame, in ticks: later than the one before, whatever the file says.
    damaged : int
        Number of places that could not be decoded, so far.
    ended : bool
        Whether the last frame was reached.
    """

    def __init__(self, path: Path, container: InputContainer) -> None:
        from av.stream import Disposition
        from av.video.stream import VideoStream

        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:  # the cover of a song
            raise VideoFileError(f"'{path}' has no moving picture in it")
        if stream.codec_context is None:
            raise VideoFileError(f"'{path}' is in a format that this PyAV cannot decode")
        if stream.width * stream.height > (Image.MAX_IMAGE_PIXELS or stream.width * stream.height):
            raise VideoFileError(
                f"'{path}' claims more than {Image.MAX_IMAGE_PIXELS} pixels a frame: too large to read safely"
            )
        stream.codec_context.options = decoder_options()
        self._container = container
        self.stream = stream
        # PyAV 19 has a class of its own for what is a Fraction in 18.
        self.tick = Fraction(stream.time_base or Fraction(1, _MPEG_CLOCK))
        self.rates = [Fraction(rate) for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate) if rate]
        self.now = self._begin = 0
        self.damaged = 0
        self.ended = False

    @property
    def seconds(self) -> Fraction:
        """Time of the current frame: seconds after the first."""
        return (self.now - self._begin) * self.tick

    @property
    def usual(self) -> int:
        """Duration of a frame that does not declare one, in ticks: by the rate, or a 25th of a second."""
        return max(round(1 / ((self.rates or [Fraction(25)])[0] * self.tick)), 1)

    def __iter__(self) -> Iterator[VideoFrame]:
        for number, frame in enumerate(self._decoded()):
            given = frame.dts if frame.pts is None else frame.pts
            if number == 0:
                self.now = self._begin = given or 0
            else:
                self.now = self.now + self.usual if given is None else max(given, self.now + 1)
            yield frame
        self.ended = True

    def _decoded(self) -> Iterator[VideoFrame]:
        import av

        packets = self._container.demux(self.stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:  # the file is truncated, or damaged from here on
                self.damaged += 1
                return
            if packet is None:
                return
            try:
                frames = self.stream.decode(packet if packet.size else None)
            except av.FFmpegError:
                self.damaged += 1
                continue
            yield from frames


def _is_constant(ticks: Sequence[int], tick: Fraction, rate: Fraction) -> bool:
    """Return whether frames come at a constant rate, to the precision of a tick."""
    return all(abs((now - ticks[0]) * tick * rate - number) <= tick * rate for number, now in enumerate(ticks))


def _coarser(times: Times) -> Times:
    """Return the times in ticks that an MP4 can count."""
    if times.tick.denominator <= _FINEST:
        return times
    ticks = array("q")
    for given in times.ticks:
        now = round((given - times.ticks[0]) * times.tick * _MPEG_CLOCK)
        ticks.append(max(now, ticks[-1] + 1) if ticks else now)
    return Times(ticks, Fraction(1, _MPEG_CLOCK))


def _sound(path: Path, container: InputContainer, times: Times, whole: tuple[bool, bool]) -> Sound | None:
    """Return the sound of these times; `whole`: with what is before the film's first and after its last frame."""
    if not any(map(is_decodable, container.streams.audio)):
        return None
    begin, end = (times.ticks[index] * times.tick for index in (0, -1))
    return Sound(path, begin, None if whole[0] else begin, None if whole[1] else end)


def _left_out(container: InputContainer, film: Stream) -> tuple[str, ...]:
    """Return how many streams of each other kind there are: they do not go into another film."""
    sounds = [stream for stream in container.streams.audio if is_decodable(stream)]
    others = Counter(stream.type for stream in container.streams if stream is not film and stream not in sounds)
    return tuple(f"{number} {kind} stream{'s' if number > 1 else ''}" for kind, number in sorted(others.items()))
