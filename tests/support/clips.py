"""Small films, made by PyAV, of frames and with tags that a test knows."""

from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame

from pydream.media.video import read_video, write_video


def moving_square(count=24, height=48, width=64, speed=2):
    """Return frames: a bright square that moves to the right on a ground that stands still."""
    y, x = np.mgrid[:height, :width]
    ground = np.stack([x * 2, y * 3, 128 + 0 * x], -1).astype(np.uint8)
    frames = []
    for number in range(count):
        frame = ground.copy()
        frame[10:26, (speed * number) % (width - 16) :][:, :16] = (230, 200, 40)
        frames.append(frame)
    return frames


def moving_ramp(count=5, height=48, width=64):
    """Return frames that differ everywhere."""
    y, x = np.mgrid[:height, :width]
    ramp = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (height + width)], -1)
    return [((ramp + 40 * n) % 256).astype(np.uint8) for n in range(count)]


def write_clip(
    path,
    frames,
    rate=Fraction(25),
    codec="libx264",
    pix_fmt="yuv444p",
    ticks=None,
    tick=None,
    tone=None,
    sound_from=0.0,
    language="und",
    prepare=lambda stream: None,
    options=None,
    tags=(),
):
    """Write a film.

    Parameters
    ----------
    frames : list of (h, w, 3) arrays, or of av.VideoFrame
    ticks, tick
        When each frame is shown, for a rate that is not constant.
    tone : str, optional
        The codec of a sound: 440 Hz, as long as the film.
    sound_from : float
        The second at which that begins.
    language : str
        Of the sound.
    prepare : callable
        Called with the stream before it is written.
    tags : dict
        Of the codec context.
    """
    options = {"qp": "0", "bf": "2"} if codec == "libx264" and options is None else options or {}
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=rate, options=options)
        first = frames[0]
        height, width = (first.height, first.width) if isinstance(first, av.VideoFrame) else first.shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        context = stream.codec_context
        for name, value in dict(tags).items():
            setattr(context, name, value)
        context.time_base = tick or 1 / rate
        prepare(stream)
        track = None if tone is None else film.add_stream(tone, rate=48000)
        if track is not None:
            track.layout = "stereo"
            track.metadata["language"] = language
        for number, pixels in enumerate(frames):
            frame = pixels
            if not isinstance(frame, av.VideoFrame):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
                frame = frame.reformat(format=pix_fmt, dst_colorspace=5, src_color_range=2, dst_color_range=1)
            frame.pts, frame.time_base = (number if ticks is None else ticks[number]), context.time_base
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        if track is not None:
            seconds = len(frames) / float(rate) if ticks is None else float(ticks[-1] * tick)
            for block in sine(seconds, sound_from):
                film.mux(track.encode(block))
            film.mux(track.encode(None))
    return path


def sine(seconds, begin=0.0, rate=48000, pitch=440):
    """Yield a tone in blocks, from a second on."""
    for start in range(0, round(seconds * rate), 960):
        at = (np.arange(960) + start) / rate
        wave = np.round(12000 * np.sin(2 * np.pi * pitch * at)).astype(np.int16)
        block = AudioFrame.from_ndarray(np.repeat(wave, 2)[np.newaxis], format="s16", layout="stereo")
        block.rate, block.pts, block.time_base = rate, start + round(begin * rate), Fraction(1, rate)
        yield block


def packets(path, kind):
    """Return the time in seconds and the bytes of every packet of a kind of stream."""
    with av.open(str(path)) as film:
        streams = [stream for stream in film.streams if stream.type == kind]
        return [
            (packet.pts * packet.time_base, bytes(packet))
            for packet in film.demux(streams)
            if packet.size and packet.pts is not None
        ]


def shown(path):
    """Return the seconds at which frames are shown."""
    with av.open(str(path)) as film:
        return [frame.pts * frame.time_base for frame in film.decode(video=0)]


def heard(path):
    """Return a track's samples, of the first channel, and its rate."""
    with av.open(str(path)) as film:
        blocks = [block.to_ndarray() for block in film.decode(audio=0)]
        track = film.streams.audio[0]
        planar = track.codec_context.format.is_planar
        samples = np.concatenate([block[0] if planar else block[0][:: track.channels] for block in blocks])
    return samples.astype(np.float64), track.rate


def copied(path, out, **options):
    """Read a film and write what was read."""
    footage = read_video(path)
    write_video(
        out, footage.frames(), footage.rate or footage.times.rate, times=None if footage.rate else footage.times,
        pixel_aspect=footage.pixel_aspect, sound=footage.sound, **options,
    )  # fmt: skip
    return footage
