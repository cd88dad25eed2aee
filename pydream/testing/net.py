"""Check a port's network against the NumPy runtime, blob by blob, forward and back."""

from __future__ import annotations

import os
from functools import cache, partial
from typing import Any

import numpy as np

from ..dream.images import preprocess
from ..errors import ShapeError
from ..net import Affine, Match, Net, best_match
from ..zoo.load import load_net
from ..zoo.registry import DEFAULT_NETWORK
from . import samples
from .mistakes import KNOWN, Mistake
from .report import Array, Mistakes, Report, difference

# Image sizes whose maps alternate between odd and even through the network, so that every rounding of a size shows.
SIZE = (64, 83)
OTHER_SIZE = (71, 50)

# Relative, L2. float64: correct programs are near 1e-15. float32: ten times what TensorFlow's forward pass was measured
# to differ by, and twice what Caffe's own float32 gradient does where rounding picks other winners.
FORWARD = {"float64": 1e-9, "float32": 1e-5}
BACKWARD = {"float64": 1e-9, "float32": 2e-2}


class Reference:
    """The network on the NumPy runtime, and the same with one of the mistakes each."""

    def __init__(self, network: str | os.PathLike[str], weights: str | os.PathLike[str] | None) -> None:
        self._files = network, weights
        self.net = self._load(None)

    @cache  # noqa: B019 (lives as long as the check)
    def _load(self, mistake: Mistake | None) -> Any:
        runtime = "numpy" if mistake is None else mistake.runtime()
        return load_net(*self._files, dtype="float64", runtime=runtime)

    def run(self, image: Array, end: str, seed: Array | None = None, mistake: Mistake | None = None) -> Array:
        """Return the data of blob `end` or, with the gradient `seed` at it, the gradient at the image."""
        net = self._load(mistake)
        layer = end
        if mistake is not None and mistake.behind:
            layer = [name for name, tops in net.top_names.items() if end in tops][-1]
        if mistake is not None and mistake.reversed_channels:
            image = image[:, ::-1]
        feed(net, image)
        net.forward(end=layer)
        if seed is None:
            data: Array = net.blobs[end].data.copy()
            return data
        if seed.shape != net.blobs[end].data.shape:
            return np.zeros(0)  # equal to no port's
        net.blobs[end].diff[...] = seed
        net.backward(start=layer)
        gradient: Array = net.image.diff
        return gradient[:, ::-1].copy() if mistake is not None and mistake.reversed_channels else gradient.copy()

    def mistakes(self, image: Array, end: str, seed: Array | None = None) -> Mistakes:
        """Return the result of `run` with each of the known mistakes."""

        def run(mistake: Mistake) -> Array:
            try:
                return self.run(image, end, seed, mistake)
            except (ShapeError, ValueError):  # a layer further on cannot take what the mistake makes
                return np.zeros(0)

        return {mistake.text: partial(run, mistake) for mistake in KNOWN}


def feed(net: Any, image: Array) -> None:
    """Put an image, (1, 3, h, w), into a network."""
    net.resize(*image.shape[2:])
    net.image.data[...] = image


def check_net(
    net: Net,
    network: str | os.PathLike[str] = DEFAULT_NETWORK,
    weights: str | os.PathLike[str] | None = None,
) -> Report:
    """Check a port of a network: what `pydream.net.Net` promises, each blob forward, and gradients.

    Backward passes start where the network ends, at its default layer, and at blobs that are overwritten in place;
    where one differs, at every blob, to find the first.

    Parameters
    ----------
    net : Net
        In float64 differences up to 1e-9 (relative, L2) pass, with tie-tolerant max pooling; in float32 rounding does.
    network, weights
        The network that `net` is a port of, as for `pydream.load_net`. The image's blob is `Net.image`, in both.

    Returns
    -------
    Report

    Raises
    ------
    ConformanceError
        Where a step failed: with the difference and, for a known mistake, its name. Blobs are checked in the order of
        the network and only the first that differs is reported, as all after it will.
    """
    report = Report(f"check_net of {network}")
    reference = Reference(network, weights)
    if not _facts(report, net, reference.net):
        return report.finish()
    # White, flat parts test the tie-tolerant pooling of float64; in float32 rounding decides there.
    exact = net.dtype == np.float64
    image = preprocess(reference.net, samples.picture(*SIZE, saturated=exact))[np.newaxis]
    ends = _ends(reference, image)
    if not _shapes(report, net, reference, ends):
        return report.finish()
    for end in ends:
        if not _forward(report, net, reference, image, end):
            return report.finish()
    starts = _starts(reference.net, ends)
    if _backward(report, net, reference, image, starts, ends):
        _protocol(report, net, reference, image, ends)
        _sizes(report, net, reference, image, ends[-1])
        for value in (255, 90) if exact else ():
            # Every window of the first pooling has equal values, and only the order decides.
            flat = preprocess(reference.net, np.full((*SIZE, 3), value))[np.newaxis]
            if not _backward(report, net, reference, flat, starts[:1], ends, f" in a flat picture of {value}"):
                break
    return report.finish()


def check_mean(report: Report, net: Net, reference: Net) -> bool:
    """Compare the mean with the reference's."""
    wanted = np.asarray(reference.mean, net.dtype)
    return report.compare(
        "mean",
        net.mean,
        wanted,
        0.0,
        {
            "its channels were RGB and not BGR": lambda: wanted[::-1],
            "it were ImageNet's, 104, 117, 123; the notebook's is 104, 116, 122": lambda: np.array(
                [104, 117, 123], net.dtype
            ).reshape(3, 1, 1),
            "it were ImageNet's to five digits; the notebook's is 104, 116, 122": lambda: np.array(
                [104.00698793, 116.66876762, 122.67891434], net.dtype
            ).reshape(3, 1, 1),
            "there were none": lambda: np.zeros_like(wanted),
            "its shape were (3,), not (3, 1, 1)": lambda: wanted.ravel(),
            "it were a share of 1 and not of 255": lambda: wanted / 255,
        },
    )


def _facts(report: Report, net: Net, reference: Net) -> bool:
    fine = True
    with report.trying("dtype"):
        known = np.dtype(net.dtype) in (np.float32, np.float64)
        fine &= report.holds("dtype", known, f"{net.dtype}, expected float32 or float64")
    with report.trying("mean"):
        check_mean(report, net, reference)
        report.holds("mean's dtype", net.mean.dtype == net.dtype, f"{net.mean.dtype}, expected {net.dtype}")
    with report.trying("channel_order"):
        order = net.channel_order
        report.holds(
            "channel_order", order == reference.channel_order, f"{order!r}, expected {reference.channel_order!r}"
        )
    with report.trying("names of the blobs"):
        found, wanted = list(net.blobs), list(reference.blobs)
        missing = [name for name in wanted if name not in found]
        more = [name for name in found if name not in wanted]
        fault = f"missing: {missing}, not in the network: {more}" if missing or more else "in another order"
        fine &= report.holds("names of the blobs", found == wanted, fault)
    with report.trying("an unknown name"):
        raised = False
        try:
            net.blobs["no such blob"]
        except KeyError:
            raised = True
        fault = "blobs['no such blob'] raised no KeyError (UnknownNameError is one)"
        report.holds("an unknown name", raised, fault)
    return fine


def _ends(reference: Reference, image: Array) -> list[str]:
    """Return the blobs that have a shape for images of that size."""
    feed(reference.net, image)
    ends = []
    for name in list(reference.net.blobs)[1:]:
        try:
            reference.net.blobs[name].shape  # noqa: B018
        except ShapeError:
            continue
        ends.append(name)
    return ends


def _shapes(report: Report, net: Net, reference: Reference, ends: list[str]) -> bool:
    for height, width in (SIZE, OTHER_SIZE):
        for which in (net, reference.net):
            which.resize(height, width)
        for end in ends:
            step = f"shape of {end!r} at {width}x{height}"
            wanted = tuple(reference.net.blobs[end].shape)
            with report.trying(step):
                found = tuple(net.blobs[end].shape)
                if found != wanted:
                    image = np.zeros((1, *net.image.shape[1:]))
                    made = [t for t, twin in reference.mistakes(image, end).items() if twin().shape == found]
                    advice = f"; as if {' or '.join(made)}" if made else ""
                    return report.holds(step, False, f"{found}, expected {wanted}{advice}")
                continue
            return False
    report.holds(f"shapes of {len(ends)} blobs at two sizes", True, "")
    with report.trying("a size that is too small"):
        raised = "nothing"
        net.resize(2, 2)
        try:
            net.blobs[ends[-1]].shape  # noqa: B018
        except ShapeError:
            raised = "ShapeError"
        except Exception as error:
            raised = type(error).__name__
        fault = f"at 2x2 the shape of {ends[-1]!r} raised {raised}, expected pydream.errors.ShapeError"
        report.holds("a size that is too small", raised == "ShapeError", fault)
    return True


def _forward(report: Report, net: Net, reference: Reference, image: Array, end: str) -> bool:
    step = f"forward to {end!r}"
    with report.trying(step):
        feed(net, image)
        net.forward(end=end)
        data = net.blobs[end].data
        if data.dtype != net.dtype or not data.flags.c_contiguous or not data.flags.writeable:
            flags = f"C-contiguous: {data.flags.c_contiguous}, writable: {data.flags.writeable}"
            return report.holds(step, False, f"data is {data.dtype}, {flags}; expected {net.dtype} and both")
        limit = FORWARD[str(net.dtype)]
        return report.compare(step, data, reference.run(image, end), limit, reference.mistakes(image, end))
    return False


def _starts(reference: Any, ends: list[str]) -> list[str]:
    """Return where to start backward passes: blobs that no layer reads, the default, some that are written in place."""
    makers = {name: [layer for layer, tops in reference.top_names.items() if name in tops] for name in ends}
    read = {
        bottom for name in ends for layer in makers[name] for bottom in reference.bottom_names[layer] if bottom != name
    }
    in_place = _in_place(reference, ends)
    starts = [name for name in ends if name not in read][::-1]
    return list(dict.fromkeys([*starts, reference.default_end or ends[-1], *in_place[:1], *in_place[-1:]]))


def _in_place(reference: Any, ends: list[str]) -> list[str]:
    """Return the blobs that several layers write."""
    return [name for name in ends if sum(name in tops for tops in reference.top_names.values()) > 1]


def _backward(
    report: Report,
    net: Net,
    reference: Reference,
    image: Array,
    starts: list[str],
    ends: list[str],
    where: str = "",
) -> bool:
    """Check gradients from `starts`; where one differs, from all ends in order, to report the first."""
    limit = BACKWARD[str(net.dtype)]
    hint = "the order of ties in max pooling (value > best + 1e-9 * (1 + |best|)), or a branch that is not added"

    def passes(end: str, report_it: bool) -> bool:
        seed = reference.run(image, end)
        found, expected = _gradient(net, image, end, seed), reference.run(image, end, seed)
        if not report_it and difference(found, expected) > limit:
            return False
        step = f"backward from {end!r}{where}"
        return report.compare(step, found, expected, limit, reference.mistakes(image, end, seed), hint)

    for start in starts:
        with report.trying(f"backward from {start!r}{where}"):
            if passes(start, report_it=False):
                continue
            for end in [*ends[: ends.index(start)], start]:
                with report.trying(f"backward from {end!r}{where}"):
                    if passes(end, report_it=True):
                        continue
                return False
        return False
    return True


def _gradient(net: Net, image: Array, end: str, seed: Array) -> Array:
    feed(net, image)
    net.forward(end=end)
    net.blobs[end].diff[...] = seed
    net.backward(start=end)
    return net.image.diff.copy()


def _protocol(report: Report, net: Net, reference: Reference, image: Array, ends: list[str]) -> None:
    """Check what a dream relies on besides the numbers, at the network's default layer."""
    end = reference.net.default_end or ends[-1]
    seed = reference.run(image, end)
    limit = FORWARD[str(net.dtype)], BACKWARD[str(net.dtype)]
    expected = reference.run(image, end, seed)

    with report.trying("backward a second time"):
        first = _gradient(net, image, end, seed)
        net.backward(start=end)
        again = net.image.diff
        report.compare(
            "backward a second time",
            again,
            first,
            limit[1],
            {"gradients added up from one backward pass to the next": lambda: 2 * first},
        )
    with report.trying("gradients in other blobs"):
        feed(net, image)
        net.forward(end=end)
        for name in list(net.blobs)[1:]:
            if name in ends:
                net.blobs[name].diff[...] = 1000
        net.blobs[end].diff[...] = seed
        net.backward(start=end)
        hint = "other blobs' diff must not count, as in a fresh Caffe process"
        report.compare("gradients in other blobs", net.image.diff, expected, limit[1], hint=hint)
    with report.trying("copy_data_to_diff"):
        feed(net, image)
        net.forward(end=end)
        net.blobs[end].copy_data_to_diff()
        report.compare("copy_data_to_diff", net.blobs[end].diff, net.blobs[end].data, limit[0])
        gradient = net.gradient(end)
        report.compare("backward from the data themselves", net.image.diff, expected, limit[1])
        plain = isinstance(gradient, np.ndarray) and gradient.flags.c_contiguous and gradient.dtype == net.dtype
        fault = f"{type(gradient).__name__}, expected a C-contiguous {net.dtype} array"
        report.holds("what backward returns", plain, fault)
        report.compare(
            "what backward returns",
            gradient,
            _laid_out(net.image.diff, net.channels_last),
            0.0,
            {"channels_last were the other layout's": lambda: _laid_out(net.image.diff, not net.channels_last)},
        )
    _seeds(report, net, reference, image, end, ends)
    with report.trying("forward with a tensor"):
        feed(net, np.zeros_like(image))
        tensor = np.ascontiguousarray(_laid_out(image, net.channels_last), net.dtype)
        net.forward(end=end, tensor=tensor)
        report.compare("forward with a tensor", net.blobs[end].data, seed, limit[0])
        kept = not net.image.data.any()
        report.holds("the image beside a tensor", kept, "blobs['data'].data was written; it must stay unshifted")


def _seeds(report: Report, net: Net, reference: Reference, image: Array, end: str, ends: list[str]) -> None:
    """Check what objectives beyond the notebook's use: seeds, and several ends."""
    limit = FORWARD[str(net.dtype)], BACKWARD[str(net.dtype)]
    data = reference.run(image, end)
    gain = np.linspace(-1, 1, data.shape[1]).reshape(-1, *[1] * (data.ndim - 2))
    seed = gain * data + 0.5 * gain
    with report.trying("drive(Affine)"):
        feed(net, image)
        net.forward(end=end)
        net.blobs[end].drive(Affine(gain, 0.5 * gain))
        mistakes = {"the bias were left out": lambda: gain * data, "the gain were left out": lambda: data + 0.5 * gain}
        report.compare("drive(Affine)", net.blobs[end].diff, seed, limit[0], mistakes)
        net.backward(start=end)
        report.compare("backward from drive(Affine)", net.image.diff, reference.run(image, end, seed), limit[1])
    with report.trying("drive(Match)"):
        guide = data[0, :, ::2, 1:]  # each place of it is most like itself, or like another that is still more so
        net.forward(end=end)
        net.blobs[end].drive(Match(np.ascontiguousarray(guide, net.dtype)))
        x, y = net.blobs[end].data[0].reshape(len(guide), -1), guide.reshape(len(guide), -1)
        wanted = y[:, best_match(np.asarray(x, np.float64), y)].reshape(data.shape)
        report.compare("drive(Match)", net.blobs[end].diff, wanted, limit[1])
    others = [name for name in ends if name != end]
    earlier = next(
        (name for name in others[: ends.index(end)][::-1] if name in _in_place(reference.net, ends)), others[0]
    )
    several = f"backward from {earlier!r} and {end!r} at once"
    with report.trying(several):
        feed(net, image)
        net.forward(end=(earlier, end))
        seeds = {}
        for name in (earlier, end):
            seeds[name] = reference.run(image, name)
            report.compare(f"forward to {name!r}, one of two ends", net.blobs[name].data, seeds[name], limit[0])
            net.blobs[name].diff[...] = seeds[name]
        net.backward(start=(earlier, end))
        parts = [reference.run(image, name, seed) for name, seed in seeds.items()]
        made = {
            f"{name!r} alone had a gradient": lambda part=part: part for name, part in zip(seeds, parts, strict=True)
        }
        report.compare(several, net.image.diff, parts[0] + parts[1], limit[1], made)


def _sizes(report: Report, net: Net, reference: Reference, image: Array, end: str) -> None:
    other = preprocess(reference.net, samples.picture(*OTHER_SIZE, seed=1))[np.newaxis]
    for step, sample in (("another size", other), ("the first size again", image)):
        with report.trying(step):
            feed(net, sample)
            net.forward(end=end)
            report.compare(step, net.blobs[end].data, reference.run(sample, end), FORWARD[str(net.dtype)])


def _laid_out(array: Array, channels_last: bool) -> Array:
    return array.transpose(0, 2, 3, 1) if channels_last else array
