"""A record is made again: as a replay, which says whether it is the same, and as an order, which makes the same."""

import json
from pathlib import Path

import msgspec
import numpy as np
import PIL.Image
import pytest

from pydream.cli import main
from pydream.errors import ParameterError, ProvenanceError, UnknownNameError
from pydream.media import read_image, read_note, read_samples, write_image
from pydream.studio.messages import DecodePicture, EncodePicture, PictureEntry, ReplayPicture, Run
from pydream.studio.orders import Network, Order
from pydream.studio.worker.dreams import run
from pydream.studio.worker.orders import Wanted
from pydream.studio.worker.pictures import decode, encode
from pydream.studio.worker.replays import replay
from pydream.studio.worker.task import Task


class Studio:
    """The worker's functions, on a folder."""

    def __init__(self, folder):
        self.folder, self.known = folder, folder / "pictures"
        self.known.mkdir()
        self.sent = []

    def carry_out(self, function, message):
        task = Task(message, lambda each, _: self.sent.append(each))
        return function(task)

    def send(self, path, name=None):
        """Send a file as a page does; return its entry."""
        copy = self.folder / "sent"
        copy.write_bytes(path.read_bytes())
        message = DecodePicture(task="d", file=str(copy), name=name or path.name, folder=str(self.known))
        return msgspec.convert(self.carry_out(decode, message).facts, PictureEntry)

    def dream(self, order, name="dream"):
        """Carry out an order; return the file."""
        ids = {role: getattr(order, role) for role in ("picture", "guide", "mask")}
        files = {role: None if id is None else str(self.known / f"{id}.png") for role, id in ids.items()}
        names = {role: f"{role}.png" for role, id in ids.items() if id is not None}
        message = Run(
            task="r", order=order, **files, names=names, folder=str(self.folder), output=str(self.folder / name)
        )
        return Path(self.carry_out(run, message).files["png"])

    def replay(self, path, account=None):
        message = ReplayPicture(task="p", picture=str(path), account=account, known=str(self.known))
        return self.carry_out(replay, message).facts


@pytest.fixture
def studio(tmp_path):
    return Studio(tmp_path)


@pytest.fixture
def pictures(studio, tmp_path):
    """The ids of a picture, a guide and a mask."""
    ids = []
    for number, name in enumerate(("picture", "guide", "mask")):
        coarse = PIL.Image.fromarray(np.random.default_rng(number).integers(0, 256, (4, 6, 3), np.uint8))
        coarse.resize((72, 48), PIL.Image.Resampling.BICUBIC).save(tmp_path / f"{name}.png")
        ids.append(studio.send(tmp_path / f"{name}.png").id)
    return ids


def order(picture, recipe=None, **fields):
    recipe = {"iter_n": 2, "octave_n": 2, "jitter": 4, "seed": 5, **(recipe or {})}
    return Order(kind="dream", picture=picture, recipe=recipe, **fields)


DIRECTION = [{"layer": "fire2/concat", "kind": "mean", "vector": [1, *[0.25] * 127], "cosine_power": 1.5}]


@pytest.mark.parametrize(
    ("fields", "recipe"),
    [
        ({"layer": ("fire2/concat:3-7@center=0.5", "fire3/concat"), "objective": "mean"}, {}),
        ({"classes": ("flamingo", "hen=2")}, {}),
        ({"preset": "dogs", "strength": 0.5}, {"octave_n": "auto"}),
        ({"guide": 1, "mask": 2, "layer": ("fire3/concat", "fire2/concat=0.5")}, {"invert": True}),
        ({"long_side": 64}, {"smooth": 0.5, "laplacian": 2, "blend": 0.25, "also": ["squeezenet_v1.1:conv1:3=0.5"]}),
        ({"noise": True}, {"noise": [40, 56], "keep_colors": True}),
        ({"network": "float64", "layer": ("fire2/concat",)}, {"stretch": 1.0, "caricature": 0.5}),
        ({}, {"end": "fire2/concat", "objective": DIRECTION}),
    ],
)
def test_a_record_is_an_order_and_a_replay(studio, pictures, fields, recipe):
    """Its settings come back, and make the same pixels."""
    fields = dict(fields)
    for role in ("guide", "mask"):
        if role in fields:
            fields[role] = pictures[fields[role]]
    if "network" in fields:
        fields["network"] = Network(dtype=fields["network"])
    first = studio.dream(order(None if fields.pop("noise", False) else pictures[0], recipe, **fields))
    entry = studio.send(first)
    again = studio.dream(entry.order, "again")
    assert np.array_equal(read_image(first), read_image(again))
    for found in (studio.replay(first), studio.replay(studio.known / f"{entry.id}.png", entry.account)):
        assert found["identical"], found
        assert found["why"].startswith("every byte of ")
    assert any(type(each).__name__ == "Progress" for each in studio.sent)


def test_sixteen_bits_are_kept_where_a_file_holds_them(studio, pictures, tmp_path):
    file = studio.dream(order(pictures[0], {"depth": 16}))
    made = read_samples(file)
    assert made.dtype == np.uint16
    found = studio.replay(file)
    assert found["identical"]
    assert found["why"].startswith("every byte of ")
    entry = studio.send(file)
    assert np.array_equal(read_samples(studio.dream(entry.order, "again")), made)
    for suffix, dtype in ((".tiff", np.uint16), (".jpg", np.uint8)):
        message = EncodePicture(task="e", file=str(file), output=str(tmp_path / f"made{suffix}"))
        written = read_samples(studio.carry_out(encode, message).files[suffix[1:]])
        assert written.dtype == dtype
        assert dtype == np.uint8 or np.array_equal(written, made)
    for kind, depth in (("zoom", 16), ("dream", "float")):
        with pytest.raises(ParameterError, match="expected 16, in one of a dream"):
            Wanted.of(Order(kind=kind, recipe={"depth": depth}))


def test_it_is_what_the_command_makes(studio, pictures, tmp_path, monkeypatch):
    file = studio.dream(order(pictures[0], layer=("fire3/concat:1,2",)))
    monkeypatch.chdir(tmp_path)
    words = json.loads(read_note(file))["command"].split()
    words[words.index("-o") + 1] = "by-command.png"
    with pytest.raises(SystemExit) as ended:
        main([*words[1:], "-q"], prog_name="pydream")
    assert not ended.value.code
    assert np.array_equal(read_image(file), read_image("by-command.png"))
    assert studio.replay(tmp_path / "by-command.png")["identical"]


def test_a_frame_of_a_zoom_loop(studio, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["zoom", "picture.png", "-o", "loop", "--frames", "3", "-n", "1", "--octaves", "2", "--seed", "1", "-q"])
    assert not ended.value.code
    assert studio.replay(tmp_path / "loop" / "00000002.png")["identical"]
    steps = [each.steps for each in studio.sent if type(each).__name__ == "Began"]
    assert steps == [6]
    assert [each.step for each in studio.sent if type(each).__name__ == "Progress"][-1] == 6


def test_what_is_different(studio, pictures, tmp_path):
    file = studio.dream(order(pictures[0]))
    pixels = read_image(file)
    pixels[3, 4, 1] ^= 1
    changed = tmp_path / "changed.png"
    write_image(changed, pixels, read_note(file))
    found = studio.replay(changed)
    assert not found["identical"]
    assert "the file itself is not as it was made" in found["why"]
    entry = studio.send(changed)
    assert not studio.replay(studio.known / f"{entry.id}.png", entry.account)["identical"]
    said = json.loads(read_note(file))
    said["dream"]["seed"] = 6
    write_image(changed, read_image(file), json.dumps(said))
    found = studio.replay(changed)
    assert not found["identical"]
    assert "values differ, by" in found["why"]


def test_a_jpeg_is_identical_before_it_was_encoded(studio, pictures, tmp_path):
    file = studio.dream(order(pictures[0]))
    write_image(tmp_path / "dream.jpg", read_image(file), read_note(file))
    entry = studio.send(tmp_path / "dream.jpg")
    for path, account in ((tmp_path / "dream.jpg", None), (studio.known / f"{entry.id}.png", entry.account)):
        found = studio.replay(path, account)
        assert found["identical"], found
        assert "that was then encoded" in found["why"]


def test_what_it_takes(studio, pictures, tmp_path):
    file = studio.dream(order(pictures[0], guide=pictures[1], mask=pictures[2], layer=("fire2/concat",)))
    for role, id in zip(("mask", "guide", "picture"), reversed(pictures), strict=True):
        (studio.known / f"{id}.png").unlink()
        with pytest.raises(
            ProvenanceError, match=f"the {role} that it was made with is not here: send {role}.png"
        ) as error:
            studio.replay(file)
        assert "72x48" in str(error.value)
    said = json.loads(read_note(file))
    for change, failure, line in (
        ({"network": {**said["network"], "name": "../x"}}, UnknownNameError, "no network"),
        ({"input": {**said["input"], "sha256": "../../x"}}, ProvenanceError, "sha256"),
        (
            {"input": {"name": "noise", "width": 9, "height": 9}, "guide": None, "mask": None,
             "dream": {**said["dream"], "noise": [500, 500], "iter_n": 10**7}},
            ProvenanceError, "which takes some",
        ),
    ):  # fmt: skip
        with pytest.raises(failure, match=line):
            studio.replay(file, json.dumps({**said, **change}))
    with pytest.raises(ProvenanceError, match="'the picture' does not say how it was made"):
        studio.replay(tmp_path / "picture.png")
    (tmp_path / ".x.tmp").write_bytes(b"no picture")
    with pytest.raises(ProvenanceError, match="'the picture' is not a picture"):
        studio.replay(tmp_path / ".x.tmp")


def test_a_copy_without_its_record_does_not_take_it_away(studio, pictures, tmp_path):
    made = studio.dream(order(pictures[0]))
    with_record = studio.send(made)
    PIL.Image.open(made).save(tmp_path / "bare.png")
    bare = studio.send(tmp_path / "bare.png")
    assert (bare.id, bare.account, bare.order) == (with_record.id, with_record.account, with_record.order)
    assert bare.account is not None


@pytest.mark.parametrize("content", ["", '{"id": 3}', '{"id": "\udcff"}'])
def test_an_entry_that_cannot_be_read_is_written_anew(studio, pictures, tmp_path, content):
    entry = studio.known / f"{pictures[0]}.json"
    before = entry.read_bytes()
    entry.write_text(content, errors="surrogateescape")
    assert studio.send(tmp_path / "picture.png").id == pictures[0]
    assert entry.read_bytes() == before
