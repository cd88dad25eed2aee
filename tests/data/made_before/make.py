"""The commands that made the files of this folder, with pydream 0.1.0 as of commit 8ecb8c3.

A record of how they were made: with later versions it makes other files, or none. It was run in an empty folder, with
that commit on PYTHONPATH and the pictures of `examples/`: `python make.py sky.jpg flowers.jpg`.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
from PIL import Image

EXACT = "--seed 7 --octaves 2 --iterations 2 --dtype float64 --quiet"
ROUNDED = EXACT.replace("float64", "float32")
RENDERED = "--layer fire3/squeeze1x1:5 --iterations 2 --seed 7 --dtype float64 --quiet"
PAGE = "--width 60 --dpi 60"

DREAMS = [
    f"dream sky.png -o plain.png {EXACT}",
    f"dream sky.png -o plain.jpg {EXACT}",
    f"dream sky.png -o plain.tif {EXACT}",
    f"dream sky.png -o plain.webp {EXACT}",
    f"dream sky.png -o float32.png {ROUNDED}",
    f"dream sky.png -o tiles.png --tile 40 --layer fire2/concat {ROUNDED}",
    f"dream sky.png -o guide.png --guide flowers.png --layer fire4/concat {EXACT}",
    f"dream sky.png -o retouched.png --class tabby --laplacian 2 --smooth 0.5 --tv 0.2 --pull-back 0.01 --keep-colors"
    f" {EXACT}",
    f"dream sky.png -o score.png --layer fire4/concat:3-7,12 --layer conv1=-0.25 --layer fire6/squeeze1x1:2=2"
    f" --objective mean {EXACT}",
    f"dream sky.png -o mask.png --mask white.png {EXACT}",
    f"dream noise -o noise.png --size 60x40 --layer fire3/concat {EXACT}",
    f"dream sky.png -o sidecar.png --sidecar {EXACT}",
    f"dream sky.png -o no_clip.png --no-clip --step-size 40 --octave-scale 1.2 --jitter 5 {EXACT}",
    f"dream sky.png -o era.png --era 2015 {EXACT}",
    "dream sky.png -o preset.png --preset swirls --seed 7 --octaves 2 -n 2 --dtype float64 --quiet",
    f"dream noise -o numpy.png --size 40x40 --runtime numpy --backend numpy --layer conv1 {EXACT}",
    f"dream small.png -o own.png --model own.prototxt --weights own.caffemodel --layer light --mean 100,110,120"
    f" --channel-order RGB {EXACT}",
    f"visualize sky.png -o deepdream.png --renderer deepdream --octaves 2 {RENDERED}",
    f"visualize -o lapnorm.png --renderer lapnorm --octaves 2 --size 48x40 {RENDERED}",
    f"visualize -o multiscale.png --renderer multiscale --octaves 2 --size 48x40 {RENDERED}",
    f"visualize -o naive.png --renderer naive --size 48x40 {RENDERED}",
    f"zoom small.png -o zoomed -o zoomed.mp4 --frames 3 --rotate 2 --shift 1 -1 --grid 0.015625 --sidecar {EXACT}",
    "reproduce --model squeezenet_v1.1 --sky sky.png --guide-image flowers.png --frames 0 --only guided --iterations 2"
    " --exact -o reproduced --quiet",
]
INTERRUPTED = f"dream sky.png -o interrupted.png {EXACT}"  # after 3 of 4 steps
FIGURES = [
    f"sweep sky.png -o sweep.png --layers conv1,fire4/concat,fire8/concat {PAGE} {EXACT}",
    f"octaves sky.png -o octaves.jpg {PAGE} {EXACT}",
    f"history sky.png -o history.webp -o history.gif --fps 2 {PAGE} {EXACT}",
    f"atlas small.png -o atlas.jpg --renderer naive {PAGE} {RENDERED.replace(':5', ':2-5')}",
    f"video clip.mp4 film.mp4 {EXACT}",
]
# What was killed, and at which step.
RESUMED = {
    "zoom": (f"zoom small.png -o stopped_zoom --frames 4 --grid 0.015625 {EXACT} --device cpu", 11),
    "video": (f"video clip.mp4 stopped.mp4 {EXACT} --device cpu", 15),
    "atlas": (
        f"atlas small.png -o stopped_atlas.png --pictures stopped_atlas --renderer naive {PAGE}"
        f" {RENDERED.replace(':5', ':2-5')} --device cpu",
        6,
    ),
    "sweep": (
        f"sweep small.png -o stopped_sweep.png --pictures stopped_sweep --layers conv1,fire4/concat,fire8/concat {PAGE}"
        f" {EXACT} --device cpu",
        10,
    ),
}
STOP = """
import os, sys
from pydream.cli import main
from pydream.cli.progress import Progress
on_step, left = Progress.on_step, int(sys.argv.pop(1))
number = int(sys.argv.pop(1))
def stopping(self, *args):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), number)
    on_step(self, *args)
Progress.on_step = stopping
main(prog_name="pydream")
"""


def run(command):
    print(command, flush=True)
    from pydream.cli import main

    main(command.split(), prog_name="pydream", standalone_mode=False)


def stop(command, step, number):
    print(command, "|", number, "at step", step, flush=True)
    code = subprocess.run([sys.executable, "-c", STOP, str(step), str(number), *command.split()]).returncode
    assert code == (130 if number == signal.SIGINT else -number), code


def inputs(sky, flowers):
    picture = Image.open(sky).convert("RGB")
    picture.resize((84, 56), Image.Resampling.LANCZOS).save("sky.png")
    picture.resize((60, 40), Image.Resampling.LANCZOS).save("small.png")
    Image.open(flowers).convert("RGB").resize((60, 45), Image.Resampling.LANCZOS).save("flowers.png")
    y, x = np.mgrid[:56, :84]
    Image.fromarray(np.uint8(np.clip(400 - 12 * np.hypot(y - 28, x - 42), 0, 255))).save("white.png")
    Path("own.prototxt").write_text(
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 32 input_dim: 32\n'
        'layer { name: "light" type: "ReLU" bottom: "data" top: "light" }\n'
    )
    Path("own.caffemodel").write_bytes(b"\xa2\x06\x0d\x0a\x05light\x12\x04ReLU")
    frames = [np.asarray(picture.resize((200, 134)))[40:80, 3 * number :][:, :60] for number in range(6)]
    with av.open("clip.mp4", "w") as film:
        stream = film.add_stream("libx264", rate=10, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = 60, 40, "yuv444p"
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        film.mux(stream.encode(None))


def main(sky, flowers):
    here = os.getcwd()
    inputs(sky, flowers)
    for command in DREAMS + FIGURES:
        run(command)
    stop(INTERRUPTED, 3, signal.SIGINT)
    Path("zoomed/resume.npz").unlink()
    Path("reproduced/dream_guided.png").rename("reproduced.png")
    shutil.rmtree("reproduced")
    for command, step in RESUMED.values():
        stop(command, step, signal.SIGKILL)
        for temporary in Path().glob("stopped*/.*"):
            temporary.unlink()
    os.chdir(shutil.copytree(here, f"{here}-whole"))
    for command, _ in RESUMED.values():
        run(f"{command} --force")  # all of it, in one go
    whole = {
        str(path): hashlib.sha256(np.asarray(Image.open(path).convert("RGB")).tobytes()).hexdigest()
        for path in sorted(Path().glob("stopped*/*.png"))
    }
    Path(here, "whole.json").write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    main(*sys.argv[1:])
