"""The interface as docs/studio.md has it: each address answers, and says in one line what is wrong."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
from studio.test_guard import line

from pydream.dream.labels import imagenet_names
from pydream.record.presets import PRESETS
from pydream.reproduce.results import example
from pydream.studio.uploads import MOST_UPLOAD

SKY = example("sky.jpg").read_bytes()
SKY_ID = hashlib.sha256(SKY).hexdigest()  # of the fake studio


def test_what_there_is_to_choose_from(served):
    found = served.client.get("/api/networks").json()
    assert found["default"] == "squeezenet_v1.1"
    networks = {each["name"]: each for each in found["networks"]}
    built_in = networks["squeezenet_v1.1"]
    assert (built_in["here"], built_in["fetch"], built_in["default_layer"]) == (True, None, "fire8/concat")
    layers = {each["name"]: each for each in built_in["layers"]}
    assert layers["fire2/concat"] == {
        "name": "fire2/concat", "type": "Concat", "channels": 128, "field": 15, "dreamable": True, "fixed": False,
        "worthwhile": True,
    }  # fmt: skip
    assert not layers["fire2/expand1x1"]["worthwhile"]
    assert "data" not in layers
    frozen = networks["inception5h"]
    if not frozen["here"]:
        assert (frozen["layers"], frozen["fetch"]) == (None, "pydream models fetch inception5h")
    assert networks["bvlc_googlenet"]["layers"]  # without its weights
    assert networks["bvlc_googlenet"]["classes"]
    assert not networks["googlenet_places365"]["classes"]  # others than ImageNet's


def test_looks_classes_and_samples(served):
    found = served.client.get("/api/presets").json()
    assert [each["name"] for each in found["presets"]] == list(PRESETS)
    assert found["presets"][1]["layer"] == ["fire8/squeeze1x1", "fire6/squeeze1x1"]
    assert found["presets"][1]["recipe"] == {"iter_n": 30, "octave_n": "auto", "smooth": 0.5}
    assert found["defaults"]["iter_n"] == 10
    assert found["class_recipe"]["smooth"] == 0.5
    assert found["zoom"] == {"frames": 100, "scale": 0.05, "rotate": 0.0, "shift": [0.0, 0.0], "fps": 25}
    assert served.client.get("/api/classes").json() == {"classes": list(imagenet_names())}
    assert {"name": "sky.jpg"} in served.client.get("/api/samples").json()["samples"]
    answer = served.client.get("/api/samples/sky.jpg")
    assert (answer.headers["content-type"], answer.content) == ("image/jpeg", SKY)
    assert served.client.post("/api/samples/sky.jpg").json()["id"] == SKY_ID
    for name in ("no.jpg", "../sky.jpg", "..%2Fsky.jpg", "%2Fetc%2Fpasswd"):
        assert served.client.get(f"/api/samples/{name}").status_code == 404
    assert "there are flowers.jpg, sky.jpg" in line(served.client.post("/api/samples/no.jpg"))


def test_a_picture_as_the_body_and_in_a_form(served):
    shown = {"id": SKY_ID, "name": "sky.jpg", "width": 96, "height": 64, "frames": None, "seconds": None}
    shown |= {"made_with": None, "order": None, "missing": [], "notes": []}
    answers = [
        served.client.post("/api/pictures", params={"name": "sky.jpg"}, content=SKY),
        served.client.post("/api/pictures", content=iter([SKY[:7], SKY[7:]]), params={"name": "a/b\\sky.jpg"}),
        served.client.post("/api/pictures", files={"file": ("sky.jpg", SKY)}, data={"other": "field"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()) == (201, shown)
    assert served.client.get(f"/api/pictures/{SKY_ID}").json() == shown
    assert served.client.get(f"/api/pictures/{SKY_ID}.png").content == SKY
    assert served.client.get(f"/api/pictures/{SKY_ID}.jpg").headers["content-type"] == "image/jpeg"
    assert served.client.get(f"/api/pictures/{'0' * 64}").status_code == 404
    assert list((served.folder / "incoming").iterdir()) == []


FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; filename="a"\r\n\r\nb'


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("multipart/form-data", b"x", "no boundary"),
        (FORM, b"nothing of the kind", "cannot be read"),
        (FORM, PART.replace(b"filename", b"name") + b"\r\n--x--", "has no file"),
        (FORM, PART + b"\r\n" + PART, "several"),
        (FORM, PART, "ends before"),
        (FORM, b"--x\r\n" + b"A: b\r\n" * 99, "cannot be read"),
        (FORM + "x" * 999, b"x", "cannot be read"),
    ],
)
def test_a_form_that_is_none(served, kind, body, said):
    answer = served.client.post("/api/pictures", content=body, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert said in line(answer)
    assert list((served.folder / "incoming").iterdir()) == []


def test_jobs(served):
    made = served.client.post("/api/jobs", json={"kind": "dream"})
    assert made.status_code == 202
    job = made.json()["id"]
    assert served.client.get(f"/api/jobs/{job}").json()[0] == job
    assert served.client.get("/api/jobs").json()["jobs"][-1][0] == job
    for path, method, body in (
        ("stop", "POST", None),
        ("move", "POST", {"before": None}),
        ("move", "POST", {"before": job}),
        ("preview.jpg", "GET", None),
        ("small.jpg", "GET", None),
        ("command", "GET", None),
        ("python", "GET", None),
        *((f"result.{kind}", "GET", None) for kind in ("png", "jpg", "webp", "tiff", "mp4")),
    ):
        answer = served.client.request(method, f"/api/jobs/{job}/{path}", json=body)
        assert answer.status_code == 200, path
        assert served.client.request(method, f"/api/jobs/{'f' * 12}/{path}", json=body).status_code == 404, path
    assert served.client.get(f"/api/jobs/{job}/command").headers["content-type"] == "text/plain; charset=utf-8"
    assert "content-disposition" not in served.client.get(f"/api/jobs/{job}/result.png").headers
    saved = served.client.get(f"/api/jobs/{job}/result.png", params={"download": 1})
    assert saved.headers["content-disposition"] == 'attachment; filename="dream.png"'
    part = served.client.get(f"/api/jobs/{job}/result.mp4", headers={"Range": "bytes=2-4"})  # how a film is played
    assert (part.status_code, part.content) == (206, b"res")
    assert served.client.get(f"/api/jobs/{job}/result.exe").status_code == 404
    assert served.client.delete(f"/api/jobs/{job}").status_code == 200
    assert served.client.get(f"/api/jobs/{job}").status_code == 404


def test_the_network_that_an_order_does_not_name(served, monkeypatch):
    """It is a look's, where that has layers; and otherwise --model's."""
    monkeypatch.setattr("pydream.studio.app._check", lambda *_: None)
    for given, network in (
        ({}, "squeezenet_v1.1"),
        ({"preset": "towers"}, "bvlc_googlenet"),
        ({"preset": "report"}, "squeezenet_v1.1"),
        ({"preset": "towers", "network": {"name": "vgg16"}}, "vgg16"),
        ({"network": {"dtype": "float64"}}, "squeezenet_v1.1"),
    ):
        job = served.client.post("/api/jobs", json={"kind": "dream", **given}).json()["id"]
        assert served.studio.orders[job].order.network.name == network


def test_an_order_that_cannot_be_carried_out(served):
    for given, said in (
        ({"layer": ["fire2/concatx"]}, "close: 'fire2/concat'"),
        ({"picture": "0" * 64}, "no picture"),
        ({"picture": "../x"}, "picture: Expected an id"),
        ({"kind": "poem"}, "kind: Invalid enum value 'poem'"),
        ({"recipe": {"iter_n": "many"}}, "iter_n: 'many'"),
        ({"made": 1}, "unknown field `made`"),
    ):
        answer = served.client.post("/api/jobs", json={"kind": "dream", **given})
        assert answer.status_code in (400, 404)
        assert said in line(answer)


def test_replay(served):
    job = served.client.post("/api/jobs", json={"kind": "dream"}).json()["id"]
    served.client.post("/api/pictures", content=SKY)
    same = {"identical": True, "why": ""}
    assert served.client.post("/api/replay", content=SKY).json() == same
    assert served.client.post("/api/replay", params={"job": job}).json() == same
    assert served.client.post("/api/replay", params={"picture": SKY_ID}).json() == same
    for name in ("job", "picture"):
        assert served.client.post("/api/replay", params={name: "../x"}).status_code == 404


def test_classify(served):
    job = served.client.post("/api/jobs", json={"kind": "dream"}).json()["id"]
    seen = {"network": "squeezenet_v1.1", "before": [], "after": None}
    assert served.client.post("/api/classify", json={"job": job}).json() == seen
    assert served.client.post("/api/classify", json={"picture": SKY_ID, "network": "a"}).json()["network"] == "a"
    assert served.client.post("/api/classify", json={"job": "../x"}).status_code == 400
    assert served.client.post("/api/classify", json={"job": "f" * 12}).status_code == 404


def test_thumbnails(served):
    items = served.client.post("/api/thumbnails", json={"network": "a", "of": "layers", "from": 7}).json()["items"]
    assert items[0]["label"] == "7"
    assert served.client.get(f"/api/thumbnails/{'0' * 64}.jpg").status_code == 404
    (served.folder / f"{'0' * 64}.jpg").write_bytes(b"\xff")
    kept = served.client.get(f"/api/thumbnails/{'0' * 64}.jpg")
    assert "immutable" in kept.headers["cache-control"]
    wrong = served.client.post("/api/thumbnails", json={"network": "a", "of": "files"})
    assert (wrong.status_code, line(wrong)[:4]) == (400, "of: ")


def test_the_pages_state(served):
    state = json.dumps({"view": {"job": "é"}}).encode()
    assert served.client.put("/api/page", content=state).status_code == 200
    assert served.client.get("/api/page").content == state
    for wrong in (b"", b"[1]", b"{", b"\xff", b"1e999", b"[" * 2**16):
        assert served.client.put("/api/page", content=wrong).status_code == 400
    long = served.client.put("/api/page", content=b'{"a": "%s"}' % (b"x" * 2**16))
    assert long.status_code == 413
    assert "of at most 65536" in line(long)
    assert served.client.get("/api/page").content == state


def test_events(served):
    job = served.client.post("/api/jobs", json={"kind": "dream"}).json()["id"]
    for path in ("/api/events", f"/api/jobs/{job}/events"):
        answer = served.client.get(path)
        assert answer.headers["content-type"] == "text/event-stream"
        assert (
            answer.text
            == 'retry: 1000\n\nevent: progress\ndata: {"step":1}\n\nevent: state\ndata: {"state":"done"}\n\n'
        )
    assert served.client.get(f"/api/jobs/{'f' * 12}/events").status_code == 404


def test_the_studio_and_what_it_takes(served):
    found = served.client.get("/api/studio").json()
    assert (found["version"], found["most_upload"]) == ("0", MOST_UPLOAD)


def test_the_picture_of_the_command_line(served, tmp_path):
    """The first page takes it; one that is loaded again does not."""
    served.api._opened = example("sky.jpg")
    assert served.client.post("/api/opened").json()["id"] == SKY_ID
    assert served.client.post("/api/opened").json() is None
    served.api._opened = tmp_path / os.fsdecode(b"caf\xe9.jpg")  # as an old file system has it
    shutil.copyfile(example("sky.jpg"), served.api._opened)
    assert served.client.post("/api/opened").json()["name"] == "caf?.jpg"
    served.api._opened = tmp_path / "gone.png"
    assert served.client.post("/api/opened").status_code == 400
    assert served.client.post("/api/opened").json() is None


def test_the_page(served):
    page = served.client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    module = served.client.get("/page/app.js")
    assert module.headers["content-type"].startswith("text/javascript")  # nosniff: no browser runs another type
    for path in ("/page/", "/page/none.js", "/page/../app.py", "/page/..%2fapp.py", "/page/%2e%2e/app.py", "/app.py"):
        assert served.client.get(path).status_code == 404, path


def test_every_address_is_there_by_the_method_that_it_takes(served):
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"):
        for route in served.api.routes():
            path = route.path.format(id="f" * 12, kind="png", key="0" * 64, name="none.jpg")
            with served.client.stream(method, path) as answer:
                if method in route.methods:
                    assert answer.status_code in (200, 201, 400, 404), (method, path)
                else:
                    others = [other for other in served.api.routes() if other.path == route.path]
                    assert len(others) == 1
                    assert answer.status_code == 405, (method, path)
                    assert set(answer.headers["allow"].split(", ")) == set(route.methods)


def test_the_catalogue_needs_no_tensorflow(tmp_path):
    program = "from pydream.studio import app, catalogue, serve; catalogue.networks('x'); catalogue.presets()\n"
    check = "import sys; print([name for name in ('tensorflow', 'av', 'scipy', 'onnx') if name in sys.modules])"
    env = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}  # a network of the user's may take ONNX
    words = [sys.executable, "-c", program + check]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_uploads_wait_for_one_another(served):
    """More at once than there may be are refused, and are no more in the way when they have ended."""
    barrier = threading.Event()

    def slowly():
        yield b"x"
        barrier.wait(10)

    def send(codes):
        codes.append(served.client.post("/api/pictures", content=slowly()).status_code)

    codes: list[int] = []
    threads = [threading.Thread(target=send, args=[codes]) for _ in range(8)]
    for thread in threads:
        thread.start()
    while served.api._uploads._count < 8:
        threads[0].join(0.01)
    busy = served.client.post("/api/pictures", content=SKY)
    assert busy.status_code == 429
    assert "try again" in line(busy)
    barrier.set()
    for thread in threads:
        thread.join()
    assert codes == [201] * 8
    assert served.client.post("/api/pictures", content=SKY).status_code == 201
