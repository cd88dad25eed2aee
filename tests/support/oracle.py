"""Caffe's layers, written down a second time: a function gives the top and the way back, diff → [diffs at the bottoms].

Loops and float64 in Caffe's own order (n, c, h, w), from the layers' definitions, not from pydream's code. Constants
that a prototxt holds as floats are rounded to float32 first (`f32`), as protobuf does.
"""

import numpy as np


def f32(number):
    return float(np.float32(number))


def convolution(x, weights, bias=None, *, stride=(1, 1), pad=(0, 0), dilation=(1, 1), group=1):
    """A correlation: top[n,o,y,x] = bias[o] + the sum over the taps (c,i,j) of weights[o,c,i,j] * bottom[n,c,…]."""
    n, channels, *size = x.shape
    outputs, per_group, *kernel = weights.shape
    assert channels == per_group * group
    padded = np.zeros((n, channels, size[0] + 2 * pad[0], size[1] + 2 * pad[1]))
    inside = np.s_[:, :, pad[0] : pad[0] + size[0], pad[1] : pad[1] + size[1]]
    padded[inside] = x
    # Rounded down: the last window that still fits.
    out = [len(range(0, size[a] + 2 * pad[a] - dilation[a] * (kernel[a] - 1), stride[a])) for a in range(2)]
    y = np.zeros((n, outputs, *out))
    visits = []  # what multiplies what
    for g in range(group):
        o = slice(g * outputs // group, (g + 1) * outputs // group)
        c = slice(g * per_group, (g + 1) * per_group)
        for i in range(kernel[0]):
            for j in range(kernel[1]):
                rows = np.arange(out[0]) * stride[0] + i * dilation[0]
                columns = np.arange(out[1]) * stride[1] + j * dilation[1]
                visits.append((o, c, i, j, rows, columns))
    for o, c, i, j, rows, columns in visits:
        seen = padded[:, c][:, :, rows][:, :, :, columns]
        y[:, o] += np.einsum("oc,ncyx->noyx", weights[o, :, i, j], seen)
    if bias is not None:
        y += bias[None, :, None, None]

    def back(diff):
        dpadded = np.zeros(padded.shape)
        for o, c, i, j, rows, columns in visits:
            share = np.einsum("oc,noyx->ncyx", weights[o, :, i, j], diff[:, o])
            for yy, row in enumerate(rows):
                for xx, column in enumerate(columns):
                    dpadded[:, c, row, column] += share[:, :, yy, xx]
        return [dpadded[inside]]

    return y, back


def inner_product(x, weights, bias=None, *, transpose=False):
    """Each image as one row, in the order c, h, w, times a matrix of a row an output (transposed: a column)."""
    matrix = weights.T if transpose else weights
    rows = np.stack([image.ravel() for image in x])
    y = np.stack([[np.dot(row, output) for output in matrix] for row in rows])
    if bias is not None:
        y += bias
    return y, lambda diff: [(diff @ matrix).reshape(x.shape)]


def pooled_size(size, kernel, stride, pad, any_pad, floor=False):
    """Count windows along an axis: until the image and both paddings are covered (`floor`: while they fit)."""
    starts = [0]
    while starts[-1] + kernel < size + 2 * pad:
        starts.append(starts[-1] + stride)
    if floor and starts[-1] + kernel > size + 2 * pad:
        starts.pop()
    if any_pad and starts and starts[-1] >= size + pad:
        starts.pop()  # it would see nothing but the padding behind the image
    return len(starts)


def _windows(shape, kernel, stride, pad, floor):
    """Give for every place of the top the rows and columns of the bottom, and how many cells the window has."""
    size = shape[2:]
    out = [pooled_size(size[a], kernel[a], stride[a], pad[a], any(pad), floor) for a in range(2)]
    for y in range(out[0]):
        for x in range(out[1]):
            spans, cells = [], 1
            for a, at in enumerate((y, x)):
                first = at * stride[a] - pad[a]
                behind = first + kernel[a]
                cells *= min(behind, size[a] + pad[a]) - first  # padding counts, what lies beyond does not
                spans.append(range(max(first, 0), min(behind, size[a])))
            yield y, x, spans[0], spans[1], cells
    assert out[0] > 0
    assert out[1] > 0


def _top(shape, kernel, stride, pad, floor):
    places = list(_windows(shape, kernel, stride, pad, floor))
    return np.zeros((*shape[:2], places[-1][0] + 1, places[-1][1] + 1)), places


def max_pooling(x, *, kernel, stride=(1, 1), pad=(0, 0), floor=False, tolerance=0.0):
    """The window row by row; a value wins if it is greater than the best by more than tolerance * (1 + |best|)."""
    y, places = _top(x.shape, kernel, stride, pad, floor)
    winner = {}
    for n, c in np.ndindex(x.shape[:2]):
        for yy, xx, rows, columns, _ in places:
            best = None
            for row in rows:
                for column in columns:
                    value = x[n, c, row, column]
                    if best is None or value > best + tolerance * (1 + abs(best)):
                        best, winner[n, c, yy, xx] = value, (n, c, row, column)
            y[n, c, yy, xx] = best

    def back(diff):
        dx = np.zeros(x.shape)
        for place, source in winner.items():
            dx[source] += diff[place]
        return [dx]

    return y, back


def average_pooling(x, *, kernel, stride=(1, 1), pad=(0, 0), floor=False):
    y, places = _top(x.shape, kernel, stride, pad, floor)
    for yy, xx, rows, columns, cells in places:
        y[:, :, yy, xx] = x[:, :, rows][:, :, :, columns].sum(axis=(2, 3)) / cells

    def back(diff):
        dx = np.zeros(x.shape)
        for yy, xx, rows, columns, cells in places:
            for row in rows:
                for column in columns:
                    dx[:, :, row, column] += diff[:, :, yy, xx] / cells
        return [dx]

    return y, back


def global_pooling(pooling, x):
    return pooling(x, kernel=x.shape[2:])


def lrn(x, *, size=5, alpha=1.0, beta=0.75, k=1.0):
    """top[c] = x[c] * s[c]^-beta, s[c] = k + alpha/size * the sum of x[i]² over |i - c| <= size//2."""
    alpha, beta, k = f32(alpha), f32(beta), f32(k)
    channels = x.shape[1]
    near = [range(max(0, c - size // 2), min(channels, c + size // 2 + 1)) for c in range(channels)]
    s = np.stack([k + alpha / size * sum(x[:, i] ** 2 for i in near[c]) for c in range(channels)], axis=1)
    y = x * s**-beta

    def back(diff):
        dx = np.zeros(x.shape)
        for c in range(channels):  # d top[c] / d x[i]
            for i in near[c]:
                slope = -beta * s[:, c] ** (-beta - 1) * (2 * alpha / size * x[:, i]) * x[:, c]
                dx[:, i] += diff[:, c] * slope
            dx[:, c] += diff[:, c] * s[:, c] ** -beta
        return [dx]

    return y, back


def relu(x, *, slope=0.0):
    """At 0 the gradient is the slope's, as for negative values."""
    slope = f32(slope)
    return np.where(x > 0, x, slope * x), lambda diff: [np.where(x > 0, diff, slope * diff)]


def sigmoid(x):
    y = 1 / (1 + np.exp(-x))
    return y, lambda diff: [diff * y * (1 - y)]


def tanh(x):
    y = np.tanh(x)
    return y, lambda diff: [diff * (1 - y * y)]


def power(x, *, power=1.0, scale=1.0, shift=0.0):
    power, scale, shift = f32(power), f32(scale), f32(shift)
    if power == 0 or scale == 0:  # the input does not matter
        return np.full(x.shape, shift**power if power else 1.0), lambda diff: [np.zeros(x.shape)]
    inner = shift + scale * x
    return inner**power, lambda diff: [diff * power * scale * inner ** (power - 1)]


def same(x):
    """Dropout at test time."""
    return x, lambda diff: [diff]


def split(x, tops):
    return [x] * tops, lambda *diffs: [sum(diffs)]


def concat(*bottoms, axis=1):
    y = np.concatenate(bottoms, axis)
    ends = np.cumsum([bottom.shape[axis] for bottom in bottoms])[:-1]
    return y, lambda diff: np.split(diff, ends, axis)


def product(*bottoms):
    y = np.ones(bottoms[0].shape)
    for bottom in bottoms:
        y = y * bottom

    def back(diff):
        diffs = []
        for i in range(len(bottoms)):
            others = diff
            for j, bottom in enumerate(bottoms):
                others = others * bottom if j != i else others
            diffs.append(others)
        return diffs

    return y, back


def weighted_sum(*bottoms, coeff=None):
    coeff = [f32(c) for c in coeff or [1] * len(bottoms)]
    y = sum(c * bottom for c, bottom in zip(coeff, bottoms, strict=True))
    return y, lambda diff: [c * diff for c in coeff]


def maximum(*bottoms):
    """Of equal values: the second bottom before the first, and both before later ones, as Caffe's CPU code scans."""
    y, winner = bottoms[0].copy(), np.zeros(bottoms[0].shape, int)
    for place in np.ndindex(y.shape):
        for i, bottom in enumerate(bottoms):
            if bottom[place] > y[place] or (i == 1 and bottom[place] == y[place]):
                y[place], winner[place] = bottom[place], i
    return y, lambda diff: [np.where(winner == i, diff, 0) for i in range(len(bottoms))]


def softmax(x, *, axis=1):
    e = np.exp(x - x.max(axis, keepdims=True))
    y = e / e.sum(axis, keepdims=True)
    return y, lambda diff: [y * (diff - (diff * y).sum(axis, keepdims=True))]


def flatten(x, *, axis=1, end_axis=-1):
    shape = list(x.shape)
    end = end_axis % len(shape)
    merged = 1
    for size in shape[axis : end + 1]:
        merged *= size
    y = x.reshape([*shape[:axis], merged, *shape[end + 1 :]])
    return y, lambda diff: [diff.reshape(x.shape)]


def slices(x, *, tops, axis=1, sizes=None):
    """Parts of these sizes, None: the rest; without sizes equal ones."""
    whole = x.shape[axis]
    sizes = sizes or [whole // tops] * tops
    sizes = [whole - sum(size for size in sizes if size) if size is None else size for size in sizes]
    parts, first = [], 0
    for size in sizes:
        parts.append(x[(slice(None),) * axis + (slice(first, first + size),)])
        first += size
    assert first == whole
    return parts, lambda *diffs: [np.concatenate(diffs, axis)]


def reshape(x, *, shape):
    y = np.array(x.ravel().tolist()).reshape(shape(*x.shape))
    return y, lambda diff: [diff.reshape(x.shape)]


def crop(x, reference, *, part):
    """`part` of the reference's shape is what remains of x; the reference's values have no part in it."""

    def back(diff):
        dx = np.zeros(x.shape)
        dx[part(reference.shape)] = diff
        return [dx, np.zeros(reference.shape)]

    return x[part(reference.shape)], back


def tile(x, *, axis, tiles):
    """Place i is the bottom's place i modulo its size."""
    size = x.shape[axis]
    places = np.arange(tiles * size) % size
    y = np.take(x, places, axis)

    def back(diff):
        dx = np.zeros(x.shape)
        for i, place in enumerate(places):
            dx[(slice(None),) * axis + (place,)] += np.take(diff, i, axis)
        return [dx]

    return y, back


def _channels(values, x):
    """One value a channel, against any x of two axes or more."""
    return np.reshape(values, (1, -1) + (1,) * (x.ndim - 2))


def batch_norm(x, mean, variance, factor, *, eps=1e-5):
    """The stored sums divided by how many they are sums of; a factor of 0 means nothing stored: 0 and 0."""
    by = 0.0 if factor[0] == 0 else 1.0 / factor[0]
    deviation = np.sqrt(_channels(variance * by, x) + f32(eps))
    return (x - _channels(mean * by, x)) / deviation, lambda diff: [diff / deviation]


def scale(x, factor, bias=None):
    y = x * _channels(factor, x)
    if bias is not None:
        y = y + _channels(bias, x)
    return y, lambda diff: [diff * _channels(factor, x)]
