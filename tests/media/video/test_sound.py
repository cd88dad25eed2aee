"""A film's sound goes into another film, and stays where it was."""

import av
import numpy as np
import pytest
from support.clips import copied, heard, moving_square, packets, shown, write_clip

from pydream.errors import VideoFileError
from pydream.media.video import Section, read_video, write_video


@pytest.mark.parametrize(
    ("name", "codec"),
    [("in.mp4", "aac"), ("in.mkv", "aac"), ("in.mkv", "libopus"), ("in.avi", "libmp3lame"), ("in.mkv", "flac")],
)
def test_sound_is_copied_packet_by_packet(tmp_path, name, codec):
    clip = write_clip(tmp_path / name, moving_square(), pix_fmt="yuv420p", tone=codec)
    copied(clip, tmp_path / "out.mp4")
    before, after = packets(clip, "audio"), packets(tmp_path / "out.mp4", "audio")
    assert [content for _, content in after] == [content for _, content in before]
    first = shown(clip)[0]
    assert [float(time) for time, _ in after] == pytest.approx([float(time - first) for time, _ in before], abs=0.002)
    assert np.isfinite(heard(tmp_path / "out.mp4")[0]).all()


@pytest.mark.parametrize(("name", "codec"), [("in.avi", "pcm_s16le"), ("in.mkv", "mp2"), ("in.mkv", "pcm_s16le")])
def test_sound_that_players_do_not_know_becomes_aac(tmp_path, name, codec):
    clip = write_clip(tmp_path / name, moving_square(50), pix_fmt="yuv420p", tone=codec)
    copied(clip, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as film:
        (track,) = film.streams.audio
        assert (track.codec_context.name, track.rate, track.channels) == ("aac", 48000, 2)
        assert float(track.duration * track.time_base) == pytest.approx(2, abs=0.05)
    assert pitch(tmp_path / "out.mp4") == pytest.approx(440, abs=1)
    copied(clip, tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()


def pitch(path):
    """Hertz of the loudest tone."""
    samples, rate = heard(path)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return np.argmax(spectrum) * rate / samples.size


def loud_from(path):
    """Tell when a film's sound begins, by its samples, on the clock of its frames."""
    with av.open(str(path)) as film:
        for block in film.decode(audio=0):
            samples = np.abs(block.to_ndarray().astype(float)).max(0)
            samples = samples / (32768 if "16" in block.format.name else 1)
            if samples.max() > 0.1:
                return block.time + np.argmax(samples > 0.1) / block.rate
    return None


@pytest.mark.parametrize("codec", ["aac", "libopus", "pcm_s16le"])
@pytest.mark.parametrize("first", [0, 5])
def test_sound_stays_where_it_was(tmp_path, codec, first):
    """A tone half a second after the beginning, in a film that begins anywhere, is heard at the same frame."""
    clip = write_clip(tmp_path / "in.mkv", moving_square(), pix_fmt="yuv420p", tone=codec, sound_from=0.5)
    before = loud_from(clip)
    assert before == pytest.approx(0.5, abs=0.03)
    footage = read_video(clip, Section(first, 20))
    write_video(tmp_path / "out.mp4", footage.frames(), 25, sound=footage.sound)
    assert loud_from(tmp_path / "out.mp4") == pytest.approx(before - first / 25, abs=0.025)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_of_a_part(tmp_path, codec):
    clip = write_clip(tmp_path / "in.mkv", moving_square(100), pix_fmt="yuv420p", tone=codec)
    footage = read_video(clip, Section(25, 75))
    write_video(tmp_path / "out.mp4", footage.frames(), 25, sound=footage.sound)
    with av.open(str(tmp_path / "out.mp4")) as film:
        track = film.streams.audio[0]
        assert float(track.duration * track.time_base) == pytest.approx(2, abs=0.07)
    if codec == "aac":
        whole = [content for _, content in packets(clip, "audio")]
        part = [content for _, content in packets(tmp_path / "out.mp4", "audio")]
        start = whole.index(part[0])
        assert whole[start : start + len(part)] == part
        assert (start + 1) * 1024 / 48000 == pytest.approx(1, abs=0.05)


def test_a_gif_is_silent(tmp_path):
    clip = write_clip(tmp_path / "in.mkv", moving_square(5), pix_fmt="yuv420p", tone="aac")
    footage = read_video(clip)
    with pytest.raises(VideoFileError, match=r"a \.gif film has no sound"):
        write_video(tmp_path / "out.gif", footage.frames(), sound=footage.sound)


@pytest.mark.parametrize(("language", "kept"), [(b"fre", "fre"), (b"fr\xe9", None)])
def test_a_language(tmp_path, language, kept):
    """Matroska keeps any bytes, an MP4 three letters: other languages are left out."""
    clip = write_clip(tmp_path / "in.mkv", moving_square(), pix_fmt="yuv420p", tone="aac", language="eng")
    clip.write_bytes(clip.read_bytes().replace(b"eng", language))
    copied(clip, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert film.streams.audio[0].language == kept


def test_tracks_of_a_part_end_together(tmp_path):
    """The packets of one go on after the other's are over."""
    clip = tmp_path / "in.mkv"
    one = write_clip(tmp_path / "one.mkv", moving_square(60), pix_fmt="yuv420p", tone="aac")
    with av.open(str(one)) as source, av.open(str(clip), "w") as film:
        (video,), (sound,) = source.streams.video, source.streams.audio
        out = {0: [film.add_stream_from_template(video)], 1: [film.add_stream_from_template(sound) for _ in "ab"]}
        for packet in source.demux(video, sound):
            for stream in out[packet.stream_index] if packet.size else ():
                packet.stream = stream
                film.mux(packet)
    footage = read_video(clip, Section(0, 25))
    write_video(tmp_path / "out.mp4", footage.frames(), 25, sound=footage.sound)
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert [float(track.duration * track.time_base) for track in film.streams.audio] == pytest.approx(
            [1, 1], abs=0.05
        )
