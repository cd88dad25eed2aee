"""A worker that speaks the wire's format without pydream, and does at once what its order's preset says.

Words of a preset: ``steps-N``, ``pause-MS`` a step, ``die-SIGNAL-at-N``, ``until-N`` attempts, ``fail``, ``deaf`` to
Stop, ``further`` at each attempt, ``nonsense``. Its picture is text: seed, whether it was resumed, and how many steps.
"""

import hashlib
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path

stopped = {}
tasks = []
news = threading.Condition()
sending = threading.Lock()


def send(kind, task, data=b"", **fields):
    text = json.dumps({"type": kind, "task": task, **fields}).encode()
    with sending:
        server.sendall(struct.pack(">II", len(text), len(data)) + text + data)


def exactly(count):
    data = b""
    while len(data) < count:
        more = server.recv(count - len(data))
        if not more:
            os._exit(0)
        data += more
    return data


def read():
    while True:
        length, beside = struct.unpack(">II", exactly(8))
        message = json.loads(exactly(length))
        exactly(beside)
        with news:
            if message["type"] == "Stop":
                stopped[message["task"]] = message
            else:
                tasks.append(message)
            news.notify()


def attempts(folder):
    count = len(list(Path(folder).glob("attempt-*"))) + 1
    Path(folder, f"attempt-{count}").touch()
    return count


def die(name):
    print(f"a last line, before {name}", file=sys.stderr, flush=True)
    if name == "EXIT":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, name))
    time.sleep(10)


def run(message):
    task, order = message["task"], message["order"]
    words = (order.get("preset") or "").split()
    value = {word.rpartition("-")[0]: word.rpartition("-")[2] for word in words}
    steps, pause = int(value.get("steps", 3)), int(value.get("pause", 1)) / 1000
    fatal = next((word.split("-") for word in words if word.startswith("die-")), None)
    count = attempts(message["folder"])
    if "nonsense" in words and count <= int(value.get("until", 1000)):
        server.sendall(b"nonsense and more of it")
        return None
    if "further" in value:
        fatal = ["die", "SIGKILL", "at", str(count + 3)]
    if "fail" in words:
        return send("Failed", task, error="it cannot be done")
    recipe = message.get("resumed") or {"end": "a", "seed": order["recipe"]["seed"], "tile": os.getpid() % 1000}
    send("Began", task, steps=steps, recipe=recipe, command="pydream dream", python="import pydream")
    done = 0
    for step in range(1, steps + 1):
        if task in stopped and "deaf" not in words:
            break
        if fatal and step == int(fatal[3]) and count <= int(value.get("until", 1000)):
            die(fatal[1])
        time.sleep(pause)
        done = step
        send("Progress", task, step=step, steps=steps, seconds_left=0.5, what="octave 1")
        send("Preview", task, b"jpeg %d" % step, width=4, height=3)
    early = done < steps
    if early and (stopped[task].get("discard") or not done):
        return send("Finished", task, stopped=True)
    text = f"seed {recipe['seed']} tile {recipe.get('tile')} steps {done}"
    Path(message["output"] + ".png").write_text(text)
    facts = {"width": 4, "height": 3, "sha256": hashlib.sha256(text.encode()).hexdigest(), "seconds": 0.1}
    return send("Finished", task, files={"png": message["output"] + ".png"}, facts=facts, stopped=early)


def draw(message):
    for item in message["items"]:
        if message["task"] in stopped:
            return send("Finished", message["task"], stopped=True)
        words = (item["order"].get("preset") or "").split()
        if "die" in words:
            die("SIGSEGV")
        time.sleep(0.02)
        Path(item["output"]).write_text("small")
        send("Made", message["task"], key=item["key"])
    return send("Finished", message["task"])


def decode(message):
    content = Path(message["file"]).read_bytes()
    if content == b"bomb":
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(10)
    if content == b"slow":
        time.sleep(0.1)
    if content == b"text":
        return send("Failed", message["task"], error="it is no picture")
    found = hashlib.sha256(content).hexdigest()
    entry = {"id": found, "name": message["name"], "width": 4, "height": 3}
    if content.startswith(b"film"):
        entry |= {"frames": 9, "suffix": ".mp4"}
    for suffix, data in (
        (entry.get("suffix", ".png"), content),
        (".jpg", b"jpeg"),
        (".json", json.dumps(entry).encode()),
    ):
        Path(message["folder"], found + suffix).write_bytes(data)
    return send("Finished", message["task"], facts=entry)


def encode(message):
    with open(f"{message['file']}.count", "a") as file:
        file.write("x")
    Path(message["output"]).write_text(f"{message['long_side']} of {Path(message['file']).read_text()}")
    send("Finished", message["task"], files={Path(message["output"]).suffix[1:]: message["output"]})


def replay(message):
    time.sleep(0.05)
    send("Finished", message["task"], facts={"identical": True, "why": Path(message["picture"]).name})


def classify(message):
    network, (before, after) = message["order"]["network"]["name"], (message[name] for name in ("picture", "result"))
    send("Finished", message["task"], facts={"network": network, "before": [before], "after": [after]})


def warm(message):
    send("Finished", message["task"])


KINDS = {
    "Run": run,
    "DrawThumbnails": draw,
    "DecodePicture": decode,
    "EncodePicture": encode,
    "ReplayPicture": replay,
    "Classify": classify,
}

if __name__ == "__main__":
    server = socket.socket(fileno=int(sys.argv[1]))
    threading.Thread(target=read, daemon=True).start()
    while True:
        with news:
            news.wait_for(lambda: tasks)
            following = tasks.pop(0)
        KINDS.get(following["type"], warm)(following)
