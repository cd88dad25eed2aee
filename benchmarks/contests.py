"""The contests of compare.py and rows.py: pydream's gradient and step, and its rivals'."""

import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from time import sleep

import numpy as np
from rivals import RIVALS, rival

import pydream
from pydream.bench import network, table
from pydream.bench.inputs import image
from pydream.bench.timing import Agreement, Contest, within
from pydream.errors import ResultsDifferError
from pydream.imageops import numpy_ops

SIZE = (575, 1024)
OURS = "pydream"
SETTLE = partial(sleep, 0.01)  # before each turn: threads of other processes stop spinning
COMPILES_LONG = {"torch.compile"}  # compared at the size that is timed only, as every size takes a minute


@contextmanager
def present(subject, size, wanted=RIVALS):
    """Yield the rivals that can run this network, compared with ours; and for the others, the reason."""
    found, missing = [], {}
    with ExitStack() as stack:
        for name in wanted:
            print(f"{subject.name}: {name} prepares", file=sys.stderr)
            try:
                each = stack.enter_context(rival(name, subject))
                each.way(image(*size, subject.net.mean))()  # raises where it has no such layer
                if name not in COMPILES_LONG:
                    network.expect_same_gradients(subject, [ours(subject), each], size)
                found.append(each)
            except ResultsDifferError:
                raise
            except pydream.PydreamError as error:
                missing[name] = str(error)
        yield found, missing


def ours(subject):
    return network.passes_of(subject.net, subject.end, OURS)


def exact(subject, size):
    """float64 against float32."""
    both = [network.passes_of(subject.load(dtype), subject.end, dtype) for dtype in (network.FAST, network.EXACT)]
    network.expect_same_gradients(subject, both, size)
    return network.contest(subject, size, both)


def steps(subject, size, rivals):
    """The notebook's step, around a rival with the notebook's NumPy; each has its own image, and the same shifts.

    Rivals in processes of their own take no part: their images would have to be sent there and back.
    """
    net, end = subject.net, subject.end
    low, high = -net.mean, 255 - net.mean
    start = image(*size, net.mean)

    def our_step():
        rng, src = np.random.RandomState(0), net.blobs["data"]
        src.reshape(1, 3, *size)
        src.data[0] = start

        def way():
            pydream.make_step(net, end=end, rng=rng)
            return src.data[0]

        return way

    def their_step(each):
        rng, own = np.random.RandomState(0), start.copy()

        def way():
            ox, oy = rng.randint(-32, 33, 2)
            g = each.gradient(numpy_ops.to_tensor(own, ox, oy, each.channels_last))
            numpy_ops.ascend_tensor(own, g, 1.5, ox, oy, low, high, each.channels_last)
            return own

        return way

    ways = {OURS: our_step(), **{each.name: their_step(each) for each in rivals if isinstance(each, network.Passes)}}
    near = within(network.POOLING_ALLOWED)
    # The changes that the first step makes are compared.
    added = Agreement(near.words, lambda one, other: near.check((one[0] - start,), (other[0] - start,)))
    return Contest(f"{subject.model}'s step, {table.size(*size)}", ways, added)
