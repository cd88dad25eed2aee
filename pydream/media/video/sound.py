"""A film's sound goes into another: packets as they are, or as AAC where an MP4 cannot hold their codec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from .libav import opened

if TYPE_CHECKING:
    from av import Packet
    from av.audio import AudioStream
    from av.audio.frame import AudioFrame
    from av.container import InputContainer, OutputContainer

Mux = Callable[[Fraction | None], None]  # writes what is heard before that second, or all that is left

# What players take in an MP4; it could hold more.
COPIED = ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac")
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_AAC_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1")  # by channels, of which some formats do not say more
_AAC_BITS = 96_000  # a second and channel


@dataclass(frozen=True)
class Sound:
    """All tracks of a film, in a part of it.

    Attributes
    ----------
    path : Path
    origin : Fraction
        The second of that film, by its own clock, that becomes 0.
    start, stop : Fraction, optional
        From which second on and before which one, by the same clock; None: from its first, to its last. Packets are
        not divided: one that is heard at `start` is there as a whole, and a player is told to begin within it.
    """

    path: Path
    origin: Fraction
    start: Fraction | None = None
    stop: Fraction | None = None

    @contextmanager
    def into(self, film: OutputContainer) -> Iterator[Mux]:
        """Add the tracks to a film that has nothing in it yet; `VideoFileError` for what goes wrong with their file."""
        with opened(self.path) as source:
            tracks = {stream.index: _track(film, stream) for stream in source.streams.audio if can_be_heard(stream)}
            packets = self._packets(source, tracks)
            waiting = next(packets, None)

            def mux(until: Fraction | None) -> None:
                nonlocal waiting
                while waiting is not None and (until is None or _time(waiting) < until):
                    film.mux(waiting)
                    waiting = next(packets, None)

            yield mux

    def _packets(self, source: InputContainer, tracks: dict[int, _Track]) -> Iterator[Packet[AudioStream]]:
        """Give what is to be written; where the file is damaged its sound ends, as its frames do."""
        over = set()
        for packet in _until_damaged(source.demux(tuple(track.stream for track in tracks.values()))):
            if packet.dts is None or packet.pts is None or not packet.size:
                continue
            begin = packet.pts * packet.time_base
            if self.start is not None and begin + (packet.duration or 0) * packet.time_base <= self.start:
                continue
            if self.stop is not None and begin >= self.stop:
                over.add(packet.stream_index)
                if len(over) == len(tracks):
                    break
            else:
                yield from tracks[packet.stream_index].take(packet, self.origin)
        for track in tracks.values():
            yield from track.rest()


def can_be_heard(stream: AudioStream) -> bool:
    """Tell whether libav can tell what a track is, and its layout."""
    return stream.codec_context is not None and stream.rate > 0 and stream.channels > 0


def is_copied(stream: AudioStream) -> bool:
    """Tell whether a track's packets stay as they are."""
    return stream.codec.canonical_name in COPIED


def _track(film: OutputContainer, stream: AudioStream) -> _Track:
    track = _Copied(film, stream) if is_copied(stream) else _Encoded(film, stream)
    if stream.language:
        track.out.metadata["language"] = stream.language
    return track


def _time(packet: Packet[AudioStream]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _until_damaged(packets: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
    import av

    with suppress(av.FFmpegError):
        yield from packets


class _Track:
    """A track of the film that is written."""

    stream: AudioStream  # that is read
    out: AudioStream

    def take(self, packet: Packet[AudioStream], origin: Fraction) -> Iterator[Packet[AudioStream]]:
        """Give what is to be written for a packet; the second `origin` becomes 0."""
        raise NotImplementedError

    def rest(self) -> Iterator[Packet[AudioStream]]:
        """Give what is to be written when there are no more."""
        return iter(())


class _Copied(_Track):
    def __init__(self, film: OutputContainer, stream: AudioStream) -> None:
        self.stream = stream
        self.out = film.add_stream_from_template(stream, opaque=True)

    def take(self, packet: Packet[AudioStream], origin: Fraction) -> Iterator[Packet[AudioStream]]:
        given, sample = packet.time_base, Fraction(1, self.stream.rate)  # some formats count in packets
        times = [packet.pts or 0, packet.dts or 0]
        length = packet.duration or 0
        packet.stream, packet.time_base = self.out, sample
        packet.pts, packet.dts = (round((time * given - origin) / sample) for time in times)
        packet.duration = round(length * given / sample)
        yield packet


class _Encoded(_Track):
    def __init__(self, film: OutputContainer, stream: AudioStream) -> None:
        from av.codec.context import Flags

        rate = min(_AAC_RATES, key=lambda rate: abs(rate - stream.rate))
        self.out = film.add_stream("aac", rate=rate)
        self.out.layout = _AAC_LAYOUTS[min(stream.channels, len(_AAC_LAYOUTS)) - 1]
        self.out.bit_rate = _AAC_BITS * self.out.channels
        self.out.codec_context.flags |= Flags.bitexact  # not FFmpeg's version
        self.stream = stream

    def take(self, packet: Packet[AudioStream], origin: Fraction) -> Iterator[Packet[AudioStream]]:
        import av

        frames: list[AudioFrame] = []
        with suppress(av.FFmpegError):  # a damaged packet is not heard
            frames = self.stream.decode(packet)
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(origin / (frame.time_base or packet.time_base))
            yield from self.out.encode(frame)

    def rest(self) -> Iterator[Packet[AudioStream]]:
        yield from self.out.encode(None)
