"""A film is read as a player shows it: its frames, colours, turns and times, and its sound goes into another."""

import os
import socket
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from support.clips import copied, moving_square, shown, sine, write_clip

from pydream.errors import VideoFileError
from pydream.media.video import Section, read_comment, read_video, write_video
from pydream.media.video.hdr import HLG, PQ, tone_mapped

SHARED = Path(os.environ.get("PYDREAM_SHARED", "shared"))
NTSC = Fraction(30000, 1001)
VARIABLE = [0, 1, 2, 5, 9, 10, 20, 21, 22, 30]  # sixtieths of a second


# ---- frames ----


def test_frames_are_those_that_went_in(tmp_path):
    frames = moving_square()
    footage = read_video(write_clip(tmp_path / "in.mp4", frames))
    assert (len(footage), footage.size, footage.first, footage.damaged) == (24, (48, 64), 0, 0)
    assert (footage.sound, footage.left_out, footage.pixel_aspect) == (None, (), 1)
    for frame, made in zip(footage.frames(), frames, strict=True):
        assert frame.flags.c_contiguous
        assert frame.dtype == np.uint8
        # Three rounded numbers that were three others: up to two levels.
        assert np.abs(frame.astype(int) - made).max() <= 2


def test_frames_can_be_skipped(tmp_path):
    footage = read_video(write_clip(tmp_path / "in.mp4", moving_square(10)), Section(2, 8))
    whole = list(footage.frames())
    assert len(footage) == len(whole) == 6
    for skip in (1, 5, 6):
        np.testing.assert_array_equal(list(footage.frames(skip)), whole[skip:])


@pytest.mark.parametrize("name", ["in.mkv", "in.avi", "in.mov", "in.ts", "in.webm"])
def test_containers(tmp_path, name):
    frames = moving_square(8)
    codec = {"in.avi": "ffv1", "in.webm": "libvpx-vp9"}.get(name, "libx264")
    options = {"lossless": "1"} if codec == "libvpx-vp9" else None
    clip = write_clip(tmp_path / name, frames, codec=codec, pix_fmt="yuv444p", options=options)
    footage = read_video(clip)
    assert (len(footage), footage.rate) == (8, 25)
    for frame, made in zip(footage.frames(), frames, strict=True):
        assert np.abs(frame.astype(int) - made).max() <= 2


# ---- when ----


@pytest.mark.parametrize("rate", [Fraction(24), NTSC, Fraction(24000, 1001), Fraction(60), Fraction(25, 2)])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_constant_rates_are_exact(tmp_path, rate, suffix):
    clip = write_clip(tmp_path / f"in.{suffix}", moving_square(12), rate)
    footage = copied(clip, tmp_path / "out.mp4")
    assert footage.rate == rate
    assert {type(number) for number in (footage.rate, footage.pixel_aspect, footage.times.tick)} == {Fraction}
    assert shown(tmp_path / "out.mp4") == [number / rate for number in range(12)]
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert film.streams.video[0].average_rate == rate
        assert film.streams.video[0].duration * film.streams.video[0].time_base == 12 / rate


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_variable_rates_keep_every_time(tmp_path, suffix):
    tick = Fraction(1, 60)
    clip = write_clip(tmp_path / f"in.{suffix}", moving_square(10), ticks=VARIABLE, tick=tick)
    footage = copied(clip, tmp_path / "out.mp4")
    assert footage.rate is None
    made = shown(clip)  # Matroska counts in milliseconds
    assert [(now - footage.times.ticks[0]) * footage.times.tick for now in footage.times.ticks[:-1]] == made
    assert shown(tmp_path / "out.mp4") == made
    assert [float(time) for time in made] == pytest.approx([tick * 1.0 * now for now in VARIABLE], abs=0.001)


def test_a_gif_of_a_variable_rate(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", moving_square(10), ticks=VARIABLE, tick=Fraction(1, 60))
    copied(clip, tmp_path / "out.gif")
    with Image.open(tmp_path / "out.gif") as film:
        delays = [(film.seek(number), film.info["duration"])[1] // 10 for number in range(film.n_frames)]
    assert len(delays) == 10
    wanted = np.diff([round(100 * now / 60) for now in VARIABLE])
    assert delays[:-1] == wanted.tolist()


def test_a_film_that_does_not_begin_at_zero(tmp_path):
    clip = write_clip(tmp_path / "in.mkv", moving_square(5), ticks=[50, 51, 52, 53, 54], tick=Fraction(1, 25))
    footage = copied(clip, tmp_path / "out.mp4")
    assert footage.rate == 25
    assert shown(tmp_path / "out.mp4") == [Fraction(number, 25) for number in range(5)]


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        (Section(), range(24)),
        (Section(5), range(5, 24)),
        (Section(5, 7), range(5, 7)),
        (Section(0, 99), range(24)),
        (Section(start=Fraction(1, 5)), range(5, 24)),
        (Section(start=Fraction("0.21"), stop=Fraction("0.4")), range(6, 10)),
        (Section(3, 9, Fraction("0.2"), Fraction("0.28")), range(5, 7)),
    ],
)
def test_parts(tmp_path, section, wanted):
    frames = moving_square()
    footage = read_video(write_clip(tmp_path / "in.mp4", frames), section)
    assert (footage.first, len(footage), footage.rate) == (wanted[0], len(wanted), 25)
    for frame, number in zip(footage.frames(), wanted, strict=True):
        assert np.abs(frame.astype(int) - frames[number]).max() <= 2


def test_a_part_beyond_the_end(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", moving_square(5))
    with pytest.raises(VideoFileError, match="no frame there, only 5 in"):
        read_video(clip, Section(5))


# ---- colours ----

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 100, 50)]
MATRICES = {"BT.601": (0.299, 0.114), "BT.709": (0.2126, 0.0722), "BT.2020": (0.2627, 0.0593)}  # Kr, Kb


def yuv_frame(matrix, full, bits=8, height=16, width=None):
    """Make an upright stripe of each colour, by the equations of the standards."""
    kr, kb = MATRICES[matrix]
    red, green, blue = np.array(COLOURS).T / 255
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    planes = np.stack([luma, (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)])
    black, white, colour = (0, 255, 255) if full else (16, 219, 224)
    planes = planes * np.array([[white], [colour], [colour]]) + np.array([[black], [128], [128]])
    planes = np.minimum(np.rint(planes * 2 ** (bits - 8)), 2**bits - 1).astype(np.uint8 if bits == 8 else np.uint16)
    stripes = np.repeat(planes, (width or 16 * len(COLOURS)) // len(COLOURS), axis=1)
    stripes = np.repeat(stripes[:, np.newaxis], height, axis=1)
    name = "yuv444p" if bits == 8 else f"yuv444p{bits}le"
    frame = av.VideoFrame(stripes.shape[2], height, name)
    for plane, values in zip(frame.planes, stripes, strict=True):
        rows = np.zeros((height, plane.line_size // values.itemsize), values.dtype)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    frame.color_range = 2 if full else 1
    return frame, name


def read_colours(path):
    (frame,) = read_video(path).frames()
    step = frame.shape[1] // len(COLOURS)
    return frame[frame.shape[0] // 2, step // 2 :: step][: len(COLOURS)].astype(int)


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("matrix", "number"), [("BT.601", 6), ("BT.601", 5), ("BT.709", 1), ("BT.2020", 9)])
def test_colours(tmp_path, matrix, number, full, bits):
    frame, name = yuv_frame(matrix, full, bits)
    tags = {"colorspace": number, "color_range": 2 if full else 1}
    frame.colorspace = number
    clip = write_clip(tmp_path / "in.mkv", [frame], codec="ffv1", pix_fmt=name, tags=tags)
    # A step of a plane is up to two levels of red or blue.
    assert np.abs(read_colours(clip) - COLOURS).max() <= 2


@pytest.mark.parametrize(
    ("height", "width", "matrix"),
    [(480, 700, "BT.601"), (576, 1022, "BT.601"), (720, 700, "BT.709"), (16, 1288, "BT.709")],
)
def test_colours_that_are_not_told(tmp_path, height, width, matrix):
    """As players have it, by the size."""
    frame, name = yuv_frame(matrix, False, height=height, width=width)
    clip = write_clip(tmp_path / "in.mkv", [frame], codec="ffv1", pix_fmt=name)
    assert np.abs(read_colours(clip) - COLOURS).max() <= 2


def test_colours_go_into_the_next_film(tmp_path):
    frame, name = yuv_frame("BT.601", True, 10)
    tags = {"colorspace": 6, "color_range": 2}
    clip = write_clip(tmp_path / "in.mkv", [frame] * 2, codec="ffv1", pix_fmt=name, tags=tags)
    copied(clip, tmp_path / "out.mp4", quality=100)
    with av.open(str(tmp_path / "out.mp4")) as film:
        context = film.streams.video[0].codec_context
        assert (context.colorspace, context.color_range, context.color_trc, context.color_primaries) == (1, 1, 1, 1)
    (seen, _) = read_video(tmp_path / "out.mp4").frames()
    assert np.abs(seen[8, 8::16].astype(int) - COLOURS).max() <= 4  # two conversions, and x264


def test_rgb_and_grey(tmp_path):
    frames = moving_square(2)
    for codec, pix_fmt in (("qtrle", "rgb24"), ("png", "rgb24"), ("libx264rgb", "rgb24")):
        made = [av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=pix_fmt) for frame in frames]
        options = {"qp": "0"} if codec == "libx264rgb" else None
        clip = write_clip(tmp_path / f"{codec}.mov", made, codec=codec, pix_fmt=pix_fmt, options=options)
        np.testing.assert_array_equal(list(read_video(clip).frames()), frames)
    grey = av.VideoFrame.from_ndarray(frames[0][..., 0], format="gray")
    grey.color_range = 2
    clip = write_clip(tmp_path / "grey.mkv", [grey], codec="ffv1", pix_fmt="gray", tags={"color_range": 2})
    (seen,) = read_video(clip).frames()
    assert np.abs(seen.astype(int) - frames[0][..., :1]).max() <= 1


def test_what_is_transparent_is_white(tmp_path):
    picture = Image.new("P", (32, 32), 0)
    picture.putpalette([0, 0, 0, 200, 30, 60])
    picture.paste(1, (0, 0, 16, 32))
    other = picture.transpose(Image.Transpose.ROTATE_90)
    picture.save(tmp_path / "in.gif", save_all=True, append_images=[other], transparency=0, disposal=2, duration=100)
    first, second = read_video(tmp_path / "in.gif").frames()
    assert first[16, 8].tolist() == [200, 30, 60]
    assert first[16, 24].tolist() == [255, 255, 255]
    assert second[8, 16].tolist() == [255, 255, 255]
    assert second[24, 16].tolist() == [200, 30, 60]


@pytest.mark.parametrize("matrix", [9, 2])
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_becomes_bt709(tmp_path, transfer, matrix):
    """In 10 bits, as telephones film, by BT.2020's matrix, also where the film names none."""
    frame, name = yuv_frame("BT.2020", False, 10)
    frame.colorspace = matrix
    tags = {"colorspace": matrix, "color_trc": transfer, "color_primaries": 9, "color_range": 1}
    clip = write_clip(tmp_path / "in.mkv", [frame], codec="ffv1", pix_fmt=name, tags=tags)
    wanted = tone_mapped(np.uint16([COLOURS]) * 257, transfer)[0]
    assert np.abs(read_colours(clip) - wanted).max() <= 3


def test_a_film_of_a_telephone():
    path = SHARED / "cases" / "films" / "hlg.mp4"
    if not path.is_file():
        pytest.skip(f"NOT PROVEN HERE: no {path} (PYDREAM_SHARED)")
    first, *others = read_video(path).frames()
    assert len(others) == 3
    assert first.shape == (64, 96, 3)
    # measured once; that the formulas are right is test_hdr's
    np.testing.assert_allclose(first[0, ::24], [[255, 234, 113], [186, 202, 247], [0, 136, 210], [0, 75, 81]], atol=2)


# ---- upright ----


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_turned_films_are_upright(tmp_path, degrees, mirrored):
    """The oracle is the matrix itself, pixel by pixel: (x, y) is shown at (a x + c y, b x + d y), and a shift."""
    made = moving_square(1, 32, 64)[0]

    def turn(stream):
        stream.set_display_rotation(degrees, hflip=mirrored)

    clip = write_clip(tmp_path / "in.mp4", [made] * 3, prepare=turn)
    with av.open(str(clip)) as film:
        frame = next(film.decode(video=0))
        unit = np.array([65536, 0, 0, 0, 65536], np.int32)
        matrix = np.frombuffer(frame.side_data["DISPLAYMATRIX"], np.int32) if degrees or mirrored else unit
        a, b, _, c, d = matrix[:5] // 65536
        assert mirrored or frame.rotation % 360 == degrees
    y, x = np.mgrid[:32, :64]
    right, down = a * x + c * y, b * x + d * y
    right, down = right - right.min(), down - down.min()
    wanted = np.zeros((down.max() + 1, right.max() + 1, 3), np.uint8)
    wanted[down, right] = made
    footage = read_video(clip)
    assert footage.size == wanted.shape[:2]
    for frame in footage.frames():
        assert np.abs(frame.astype(int) - wanted).max() <= 2
    copied(clip, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as film:
        frame = next(film.decode(video=0))
        assert ((frame.height, frame.width), frame.rotation) == (wanted.shape[:2], 0)


def test_pixels_that_are_not_square(tmp_path):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    clip = write_clip(tmp_path / "in.mp4", moving_square(2), prepare=wide)
    assert copied(clip, tmp_path / "out.mp4").pixel_aspect == Fraction(4, 3)
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert film.streams.video[0].sample_aspect_ratio == Fraction(4, 3)

    def turned(stream):
        wide(stream)
        stream.set_display_rotation(90)

    clip = write_clip(tmp_path / "turned.mp4", moving_square(2), prepare=turned)
    assert read_video(clip).pixel_aspect == Fraction(3, 4)


# ---- untrusted films ----


def test_no_film(tmp_path):
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "empty.mp4").touch()
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    os.mkfifo(tmp_path / "pipe.mp4")
    with av.open(str(tmp_path / "song.mp4"), "w") as song:
        track = song.add_stream("aac", rate=48000)
        for block in sine(0.1):
            song.mux(track.encode(block))
        song.mux(track.encode(None))
    for name, why in (
        ("text.mp4", "is not a readable film"),
        ("empty.mp4", "is not a readable film"),
        ("picture.png", "is not a readable film"),
        ("pipe.mp4", "is not a regular file"),
        ("song.mp4", "has no moving picture"),
        ("nothing.mp4", "no such file"),
        ("http://127.0.0.1/x.mp4", "no such file"),
        (".", "is a folder"),
        ("nul\0.mp4", "null"),
    ):
        with pytest.raises(VideoFileError, match=why) as raised:
            read_video(tmp_path / name)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.ffconcat", "list.mpd", "list.sdp"])
def test_nothing_else_is_opened(tmp_path, name):
    """A list of other places is not a film under any name: no host is contacted, and no other file is read."""
    clip = write_clip(tmp_path / "secret.ts", moving_square(2), pix_fmt="yuv420p")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        port = server.getsockname()[1]
        for place in (f"http://127.0.0.1:{port}/x.ts", clip.name, f"file:{clip}"):
            texts = {
                "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{place}\n#EXT-X-ENDLIST\n",
                "ffconcat": f"ffconcat version 1.0\nfile '{place}'\n",
                "mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
                f"<BaseURL>{place}</BaseURL></Period></MPD>",
                "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n",
            }
            (tmp_path / name).write_text(texts.get(name.split(".")[1], texts["m3u8"]))
            with pytest.raises(VideoFileError, match="not a readable film"):
                read_video(tmp_path / name)
        with pytest.raises(TimeoutError):
            server.accept()


def test_frames_of_too_many_pixels(tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "in.mp4", moving_square(2))
    assert len(read_video(clip)) == 2
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 48 - 1)
    with pytest.raises(VideoFileError, match="more than 3071 pixels a frame"):
        read_video(clip)


def test_frames_of_several_sizes(tmp_path):
    """Two streams, one after the other, as broadcasts are."""
    small = write_clip(tmp_path / "small.ts", moving_square(5), pix_fmt="yuv420p").read_bytes()
    large = write_clip(tmp_path / "large.ts", moving_square(5, 64, 96), pix_fmt="yuv420p").read_bytes()
    (tmp_path / "in.ts").write_bytes(small + large)
    with pytest.raises(VideoFileError, match="several sizes, 64×48 and 96×64"):
        read_video(tmp_path / "in.ts")


def test_a_film_that_is_cut_short(tmp_path):
    clip = write_clip(tmp_path / "in.mkv", moving_square(), options={"qp": "0", "g": "4"})
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) * 2 // 3])
    footage = read_video(clip)
    assert 8 < len(footage) < 24
    frames = list(footage.frames())
    assert len(frames) == len(footage)
    for frame, made in zip(frames[:8], moving_square(), strict=False):
        assert np.abs(frame.astype(int) - made).max() <= 2


def test_a_film_that_is_damaged_in_the_middle(tmp_path):
    clip = write_clip(tmp_path / "in.mov", moving_square(), codec="png", pix_fmt="rgb24")
    content = bytearray(clip.read_bytes())
    starts = [at for at in range(len(content)) if content[at : at + 4] == b"\x89PNG"]
    for number in (10, 11):
        content[starts[number] : starts[number] + 40] = bytes(40)
    clip.write_bytes(content)
    footage = read_video(clip)
    assert footage.damaged == 2
    assert len(footage) == len(list(footage.frames())) == 22
    # What comes after is shown when it was.
    times = [now * footage.times.tick for now in footage.times.ticks[:-1]]
    assert [float(time) for time in times] == pytest.approx([n / 25 for n in range(24) if n not in (10, 11)], abs=0.001)
    assert footage.rate is None


def test_an_mp4_without_its_index(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", moving_square())
    clip.write_bytes(clip.read_bytes()[:-200])
    with pytest.raises(VideoFileError, match="not a readable film, or is damaged"):
        read_video(clip)


def test_a_film_that_changes_while_it_is_dreamt_on(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", moving_square(8))
    footage = read_video(clip)
    write_clip(clip, moving_square(4))
    with pytest.raises(VideoFileError, match="has changed: frame 4 is missing"):
        list(footage.frames())
    write_clip(clip, moving_square(8, 32, 32))
    with pytest.raises(VideoFileError, match="has changed: its frames have another size"):
        list(footage.frames())


def test_what_is_left_out_is_named(tmp_path):
    clip = write_clip(tmp_path / "in.mkv", moving_square(3), pix_fmt="yuv420p")
    with av.open(str(clip)) as source, av.open(str(tmp_path / "more.mkv"), "w") as film:
        video = film.add_stream_from_template(source.streams.video[0])
        film.add_attachment("notes.txt", "text/plain", b"notes")
        film.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                film.mux(packet)
    assert read_video(tmp_path / "more.mkv").left_out == ("1 attachment stream", "1 video stream")


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_comments(tmp_path, suffix):
    note = '{"a": 1}' * 1000
    write_video(tmp_path / f"out{suffix}", moving_square(2), note=note)
    assert read_comment(tmp_path / f"out{suffix}") == note
    write_video(tmp_path / f"out{suffix}", moving_square(2))
    assert read_comment(tmp_path / f"out{suffix}") is None


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_comment_that_is_not_utf8(tmp_path, suffix):
    film = tmp_path / f"out{suffix}"
    write_video(film, moving_square(2), note="cafe au lait")
    film.write_bytes(film.read_bytes().replace(b"cafe", b"caf\xe9"))
    assert read_comment(film) == "caf\N{REPLACEMENT CHARACTER} au lait"
    assert len(read_video(film)) == 2
