"""The worker's small dreams: what cannot be made does not end the others, and they stop within a step."""

import pytest
from PIL import Image

from pydream.studio.messages import DrawThumbnails, Stop, Thumbnail
from pydream.studio.orders import Order
from pydream.studio.worker.task import Task
from pydream.studio.worker.thumbnails import draw


def asked(folder, picture, **orders):
    items = [
        Thumbnail(
            key=key,
            order=Order(kind="dream", picture="0" * 64 if picture else None, long_side=32, **fields),
            output=str(folder / f"{key}.jpg"),
        )
        for key, fields in orders.items()
    ]
    return DrawThumbnails(task="t", picture=picture and str(picture), items=items)


SHORT = {"seed": 0, "octave_n": 1, "iter_n": 1}


def test_one_that_cannot_be_made_does_not_end_the_others(tmp_path):
    Image.new("RGB", (96, 64), (90, 120, 150)).save(tmp_path / "picture.jpg")
    sent = []
    task = Task(
        asked(
            tmp_path,
            tmp_path / "picture.jpg",
            layer={"layer": ("fire2/concat",), "recipe": SHORT},
            none={"layer": ("fire99",), "recipe": SHORT},
            channel={"layer": ("fire2/concat:3",), "recipe": SHORT},
        ),
        lambda message, data: sent.append(message.key),
    )
    answer = draw(task)
    assert sent == ["layer", "channel"]
    assert [*answer.facts["errors"]] == ["none"]
    assert answer.facts["errors"]["none"].startswith("no blob 'fire99'")
    first, second = (Image.open(tmp_path / f"{key}.jpg") for key in sent)
    assert first.size == second.size == (32, 21)
    assert first.tobytes() != second.tobytes()


def test_they_stop_within_a_step_and_begin_with_noise_where_there_is_no_picture(tmp_path):
    sent = []

    def stop(message, data):
        sent.append(message.key)
        task.stopped = Stop(task="t")

    task = Task(asked(tmp_path, None, a={"recipe": SHORT}, b={"recipe": SHORT}), stop)
    with pytest.raises(KeyboardInterrupt):
        draw(task)
    assert sent == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
    task = Task(asked(tmp_path, None, b={"recipe": SHORT | {"iter_n": 10**6}}), stop)
    checks = []

    def check():
        checks.append(1)
        if len(checks) > 4:
            raise KeyboardInterrupt

    task.check = check
    with pytest.raises(KeyboardInterrupt):
        draw(task)
    assert not (tmp_path / "b.jpg").exists()
