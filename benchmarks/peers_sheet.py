"""The same channels of the same network drawn by lucent, by Xplique and by pydream, side by side.

    python benchmarks/peers_sheet.py draw lucent FOLDER
    python benchmarks/peers_sheet.py draw xplique FOLDER
    python benchmarks/peers_sheet.py draw decorrelated FOLDER
    python benchmarks/peers_sheet.py sheet FOLDER docs/peers.jpg lucent xplique decorrelated

Each peer takes an environment of its own with pydream in it: `pip install torch-lucent`, or `pip install xplique`. On a
machine without a GPU, less is enough:

    pip install torch==2.13.0 tqdm decorator scikit-learn ipython && pip install --no-deps torch-lucent kornia==0.4.1
    pip install tensorflow tensorflow-probability[tf] deprecated einops matplotlib opencv-python-headless scikit-image
    pip install --no-deps xplique

The peers run the network's own layers and weights, on PyTorch and on TensorFlow, and climb the mean of a channel with
their own defaults: parameterisation, transformations, optimiser, steps and sizes. What is drawn is kept, and how many
seconds it took is written beside it: on an idle machine, these may be compared.
"""

import argparse
import os
import sys
import time
import types
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
from rivals.on_tensorflow import tensorflow_ops
from rivals.on_torch import torch_ops
from rivals.task import Task

import pydream
from pydream.bench.network import Subject
from pydream.dream.images import as_image, noise
from pydream.dream.tutorial import to_display
from pydream.zoo.load import read_graph

sys.path.remove(str(Path(__file__).parent))  # whose profile.py would hide the standard library's, which PyTorch imports

# Every so many of a layer: none is chosen.
CHANNELS = {
    "fire4/expand3x3": (0, 32, 64, 96),
    "fire6/squeeze1x1": (0, 12, 24, 36),
    "fire8/squeeze1x1": (0, 16, 32, 48),
    "conv10": (100, 300, 500, 700),
}
MORE = {  # for the sheet of renderers
    "fire4/expand3x3": range(0, 128, 8),
    "fire8/squeeze1x1": range(0, 64, 4),
    "conv10": range(0, 1000, 63),
}
SIDE = 224  # of the network's input, as its authors have it
ACROSS, GAP, QUALITY = 8, 4, 72  # of a sheet
MIDDLE = {"xplique": 0.5}  # the part that is shown: its pictures are large, and it draws in their middle
SEED = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("draw")
    draw.add_argument("peer", choices=PEERS)
    draw.add_argument("folder", type=Path)
    draw.add_argument("-m", "--model", default="squeezenet_v1.1")
    sheet = commands.add_parser("sheet")
    sheet.add_argument("folder", type=Path)
    sheet.add_argument("file", type=Path)
    sheet.add_argument("peers", choices=PEERS, nargs="+")
    sheet.add_argument("--side", type=int, default=112, help="of a picture on the sheet")
    for each in (draw, sheet):
        each.add_argument(
            "--more", action="store_true", help="sixteen channels of three layers, in place of four of four"
        )
    args = parser.parse_args()
    channels = MORE if args.more else CHANNELS
    if args.command == "sheet":
        write_sheet(args.folder, args.file, args.peers, channels, args.side)
    else:
        draw_all(args.peer, args.model, args.folder, channels)


def draw_all(peer, model, folder, channels_of):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    theirs = PEERS[peer] in (lucent, xplique)  # they take no more than the weights
    net = pydream.load_net(model, runtime="numpy" if theirs else "tensorflow")
    graph = read_graph(model)
    for end, channels in channels_of.items():
        drawn = PEERS[peer](Subject(model, None, net, graph, end))
        for channel in channels:
            file = picture_file(folder, peer, end, channel)
            if file.exists():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            began, worked = time.perf_counter(), time.process_time()
            picture = drawn(channel)  # (h, w, 3), 0..1
            took, work = time.perf_counter() - began, time.process_time() - worked
            PIL.Image.fromarray(np.uint8(np.clip(picture, 0, 1) * 255 + 0.5)).save(file)
            note = f"{peer} {end}:{channel} {picture.shape[1]}x{picture.shape[0]} {took:.1f} s, processor {work:.1f} s"
            print(note, flush=True)
            file.with_suffix(".txt").write_text(note + "\n")


def picture_file(folder, peer, end, channel):
    return folder / peer / f"{end.replace('/', '_')}-{channel}.png"


def lucent(subject):
    """lucent: FFT of 128x128 enlarged to 224, ImageNet's colours, Adam of 0.05, standard transforms, 512 steps."""
    import torch

    if "torchvision" not in sys.modules:  # lucent takes nothing of it but ImageNet's mean, which this net has not
        sys.modules["torchvision"] = types.ModuleType("torchvision")
        sys.modules["torchvision.transforms"] = types.ModuleType("torchvision.transforms")
        sys.modules["torchvision.transforms"].Normalize = None
    from lucent.optvis import objectives, param, render

    ops, task = torch_ops(), Task.of(subject)
    mean = torch.tensor(np.ravel(subject.net.mean).astype(np.float32)).view(1, 3, 1, 1)

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.end = torch.nn.Identity()  # lucent looks at modules

        def forward(self, x):
            return self.end(task.walk(ops, in_order(subject, x * 255, 1, torch.flip) - mean))

    module = Module().eval()
    check_same(subject, lambda x: module(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).detach().numpy())

    def draw(channel):
        np.random.seed(SEED)  # lucent draws from it
        torch.manual_seed(SEED)
        (found,) = render.render_vis(
            module,
            objectives.channel("end", channel),
            partial(param.image, 128),
            preprocess=False,
            progress=False,
            show_image=False,
        )
        return found[0]

    return draw


def xplique(subject):
    """Xplique: FFT of 512x512 reduced to the input's size, decay 0.85, ImageNet's colours, Adam of 0.05, 256 steps."""
    model = keras_model(subject)
    import tensorflow as tf
    from xplique.features_visualizations import Objective, optimize

    def draw(channel):
        tf.keras.utils.set_random_seed(SEED)
        (found, *_), _ = optimize(Objective.channel(model, "end", channel))
        return found[0].numpy()

    return draw


def keras_model(subject):
    """Return a model of one layer, "end"."""
    import tensorflow as tf

    ops, task = tensorflow_ops(), Task.of(subject)
    mean = np.ravel(subject.net.mean).astype(np.float32)

    def run(x):
        return task.walk(ops, in_order(subject, x * 255, -1, tf.reverse) - mean)

    shape = run(tf.zeros((1, SIDE, SIDE, 3))).shape[1:]
    image = tf.keras.Input((SIDE, SIDE, 3))
    model = tf.keras.Model(image, tf.keras.layers.Lambda(run, shape, name="end")(image))
    check_same(subject, lambda x: model(x).numpy())
    return model


def in_order(subject, x, axis, reverse):
    """Return RGB in the network's order."""
    return reverse(x, [axis]) if subject.net.channel_order == "BGR" else x


def check_same(subject, run):
    """Raise SystemExit if a peer's network is another than ours."""
    net, end = subject.net, subject.end
    picture = np.random.RandomState(SEED).randint(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    net.resize(SIDE, SIDE)
    as_image(net, picture, out=net.image.data[0])
    net.forward(end=end)
    ours = net.blobs[end].data[0].transpose(1, 2, 0)
    theirs = run(picture[np.newaxis].astype(np.float32) / 255)[0]
    if not np.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * np.abs(ours).max()):
        raise SystemExit(f"{end} differs: {np.abs(ours - theirs).max()} of {np.abs(ours).max()}")


def renderer(name, subject, **others):
    """A renderer of pydream with its defaults, from noise of 96x96 as `pydream channels` has it."""

    def draw(channel):
        rng = np.random.RandomState(SEED)
        start = noise(96, 96, rng)
        found = pydream.renderers.RENDERERS[name](subject.net, subject.end, channel, start, rng=rng, **others)
        return to_display(name, found) / 255

    return draw


PEERS = {
    "lucent": lucent,
    "xplique": xplique,
    "lapnorm": partial(renderer, "lapnorm"),
    "still": partial(renderer, "decorrelated", robust_scale=0.0, robust_rotate=0.0),
    "decorrelated": partial(renderer, "decorrelated"),
}


def write_sheet(folder, file, peers, channels, side):
    """Write eight channels in a row, those of each peer below those of the one before."""
    pictures = [(end, channel) for end in channels for channel in channels[end]]
    blocks = []
    for start in range(0, len(pictures), ACROSS):
        part = pictures[start : start + ACROSS]
        for peer in peers:
            blocks.append(row([picture_file(folder, peer, *each) for each in part], side, MIDDLE.get(peer, 1)))
        blocks.append(np.full((GAP, ACROSS * side, 3), 255, np.uint8))
    PIL.Image.fromarray(np.concatenate(blocks[:-1])).save(file, quality=QUALITY, optimize=True)


def row(files, side, part):
    found = []
    for file in files:
        with PIL.Image.open(file) as opened:
            cut = opened.width * (1 - part) / 2
            box = (cut, cut, opened.width - cut, opened.height - cut)
            found.append(opened.convert("RGB").resize((side, side), PIL.Image.Resampling.LANCZOS, box))
    return np.concatenate([np.asarray(each) for each in found], 1)


if __name__ == "__main__":
    main()
