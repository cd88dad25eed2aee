"""A film's sound is copied to another film packet by packet, or encoded as AAC if players cannot read it in an MP4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from .libav import opened, text

if TYPE_CHECKING:
    from av import Packet
    from av.audio import AudioStream
    from av.audio.frame import AudioFrame
    from av.container import InputContainer, OutputContainer

Mux = Callable[[Fraction | None], None]  # writes the packets before that second, or all that remain

# Codecs that players read in an MP4, which could contain more.
COPIED = ("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac")
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_AAC_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1")  # by the number of channels: some formats store no layout
_AAC_BITS = 96_000  # per second and channel


@dataclass(frozen=True)
class Sound:
    """All audio tracks of a film, or of a section of it.

    Attributes
    ----------
    path : Path
    origin : Fraction
        The time of that film, in seconds on its own clock, that becomes 0.
    start, stop : Fraction, optional
        Seconds on the same clock; None: the film's beginning, its end. Packets are not divided: one that contains
        `start` is copied whole, and the film says that playing begins within it.
    """

    path: Path
    origin: Fraction
    start: Fraction | None = None
    stop: Fraction | None = None

    @contextmanager
    def into(self, film: OutputContainer) -> Iterator[Mux]:
        """Add the tracks to a film that is still empty; `VideoFileError` if the file with the sound cannot be read."""
        with opened(self.path) as source:
            tracks = {stream.index: _track(film, stream) for stream in source.streams.audio if is_decodable(stream)}
            packets = self._packets(source, tracks)
            waiting = next(packets, None)

            def mux(until: Fraction | None) -> None:
                nonlocal waiting
                while waiting is not None and (until is None or _time(waiting) < until):
                    film.mux(waiting)
                    waiting = next(packets, None)

            yield mux

    def _packets(self, source: InputContainer, tracks: dict[int, _Track]) -> Iterator[Packet[AudioStream]]:
        """Yield the packets to write; where the file is damaged, its sound ends, as its frames do."""
        ended = set()
        for packet in _until_damaged(source.demux(tuple(track.stream for track in tracks.values()))):
            if packet.dts is None or packet.pts is None or not packet.size:
                continue
            begin = packet.pts * packet.time_base
            if self.start is not None and begin + (packet.duration or 0) * packet.time_base <= self.start:
                continue
            if self.stop is not None and begin >= self.stop:
                ended.add(packet.stream_index)
                if len(ended) == len(tracks):
                    break
            else:
                yield from tracks[packet.stream_index].take(packet, self.origin)
        for track in tracks.values():
            yield from track.rest()


def is_decodable(stream: AudioStream) -> bool:
    """Return whether libav knows the codec and the layout of a track."""
    return stream.codec_context is not None and stream.rate > 0 and stream.channels > 0


def is_copied(stream: AudioStream) -> bool:
    """Return whether a track's packets are copied as they are."""
    return stream.codec.canonical_name in COPIED


def _track(film: OutputContainer, stream: AudioStream) -> _Track:
    track = _Copied(film, stream) if is_copied(stream) else _Encoded(film, stream)
    if stream.language:
        track.out.metadata["language"] = text(stream.language)
    return track


def _time(packet: Packet[AudioStream]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _until_damaged(packets: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
    import av

    with suppress(av.FFmpegError):
        yield from packets


class _Track:
    """An audio track of the film that is written."""

    stream: AudioStream  # the source
    out: AudioStream

    def take(self, packet: Packet[AudioStream], origin: Fraction) -> Iterator[Packet[AudioStream]]:
        """Return the packets to write for one of the source; the time `origin` becomes 0."""
        raise NotImplementedError

    def rest(self) -> Iterator[Packet[AudioStream]]:
        """Return the packets to write at the end."""
        return iter(())


class _Copied(_Track):
    def __init__(self, film: OutputContainer, stream: AudioStream) -> None:
        self.stream = stream
        self.out = film.add_stream_from_template(stream, opaque=True)

    def take(self, packet: Packet[AudioStream], origin: Fraction) -> Iterator[Packet[AudioStream]]:
        given, sample = packet.time_base, Fraction(1, self.stream.rate)  # some formats count packets
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
        self.out.codec_context.flags |= Flags.bitexact  # omits FFmpeg's version
        self.stream = stream

    def take(self, packet: Packet[AudioStream], origin: Fraction) -> Iterator[Packet[AudioStream]]:
        import av

        frames: list[AudioFrame] = []
        with suppress(av.FFmpegError):  # a damaged packet is silent
            frames = self.stream.decode(packet)
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(origin / (frame.time_base or packet.time_base))
            yield from self.out.encode(frame)

    def rest(self) -> Iterator[Packet[AudioStream]]:
        yield from self.out.encode(None)
