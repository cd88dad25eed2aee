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


def convolutions(*arrays, bottoms, formula=convolution, **constants):
    """Each of the bottoms by itself, with the same weights, which are the last arrays."""
    runs = [formula(x, *arrays[bottoms:], **constants) for x in arrays[:bottoms]]
    return [y for y, _ in runs], lambda *diffs: [back(diff)[0] for (_, back), diff in zip(runs, diffs, strict=True)]


def deconvolution(x, weights, bias=None, *, stride=(1, 1), pad=(0, 0), dilation=(1, 1), group=1):
    """top[n, o, s i - pad + d a] += x[n, c, i] weights[c, o, a] in each group; then the bias, everywhere."""
    n, channels, *size = x.shape
    per_group, kernel = weights.shape[1], weights.shape[2:]
    outputs = per_group * group
    out = [stride[a] * (size[a] - 1) + dilation[a] * (kernel[a] - 1) + 1 - 2 * pad[a] for a in range(2)]
    y = np.zeros((n, outputs, *out))
    pairs = []  # what goes where, times what
    for c in range(channels):
        g = c // (channels // group)
        for row, column in np.ndindex(*size):
            for i, j in np.ndindex(*kernel):
                at = (stride[0] * row - pad[0] + dilation[0] * i, stride[1] * column - pad[1] + dilation[1] * j)
                if 0 <= at[0] < out[0] and 0 <= at[1] < out[1]:
                    where = slice(g * per_group, (g + 1) * per_group)
                    pairs.append(((c, row, column), (where, *at), weights[c, :, i, j]))
    for (c, row, column), (where, *at), w in pairs:
        y[:, where, at[0], at[1]] += x[:, c, row, column][:, None] * w
    if bias is not None:
        y += bias[None, :, None, None]

    def back(diff):
        dx = np.zeros(x.shape)
        for (c, row, column), (where, *at), w in pairs:
            dx[:, c, row, column] += diff[:, where, at[0], at[1]] @ w
        return [dx]

    return y, back


def im2col(x, *, kernel, stride=(1, 1), pad=(0, 0), dilation=(1, 1)):
    """A convolution whose output (c, i, j) has the weight 1 at channel c and tap (i, j)."""
    channels = x.shape[1]
    return convolution(
        x, np.eye(channels * kernel[0] * kernel[1]).reshape(-1, channels, *kernel), stride=stride, pad=pad,
        dilation=dilation,
    )  # fmt: skip


def inner_product(x, weights, bias=None, *, transpose=False, axis=1):
    """From `axis` on all as a row, in the order c, h, w, times a matrix of a row an output (transposed: a column)."""
    matrix = weights.T if transpose else weights
    y = np.zeros((*x.shape[:axis], len(matrix)))
    for place in np.ndindex(x.shape[:axis]):
        y[place] = [np.dot(x[place].ravel(), output) for output in matrix]
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


def pooling_with_mask(x, **constants):
    y, back = max_pooling(x, **constants)
    mask = np.zeros(y.shape)
    for place in np.ndindex(y.shape):
        one = np.zeros(y.shape)
        one[place] = 1
        mask[place] = back(one)[0][place[:2]].argmax()
    return [y, mask], lambda diff, mask_diff: back(diff)


def stochastic_pooling(x, *, kernel, stride=(1, 1), pad=(0, 0)):
    """The sum of squares over the sum, of a window cut to the picture; 0 where the sum is not above 0."""
    y, places = _top(x.shape, kernel, stride, pad, False)
    for yy, xx, rows, columns, _ in places:
        seen = x[:, :, rows][:, :, :, columns]
        total = seen.sum((2, 3))
        y[:, :, yy, xx] = np.where(total > 0, (seen**2).sum((2, 3)) / np.where(total > 0, total, 1), 0)

    def back(diff):
        dx = np.zeros(x.shape)
        for yy, xx, rows, columns, _ in places:
            total = x[:, :, rows][:, :, :, columns].sum((2, 3))
            for row in rows:
                for column in columns:
                    slope = (2 * x[:, :, row, column] - y[:, :, yy, xx]) / np.where(total > 0, total, np.inf)
                    dx[:, :, row, column] += diff[:, :, yy, xx] * slope
        return [dx]

    return y, back


def pyramid(x, *, levels, pooling):
    """Level i in 2^i x 2^i bins of ceil(size / 2^i), the padding in front the larger half; then side by side."""
    tops, ways = [], []
    for bins in (2**level for level in range(levels)):
        kernel = [-(-size // bins) for size in x.shape[2:]]
        pad = [-(-(k * bins - size) // 2) for k, size in zip(kernel, x.shape[2:], strict=True)]
        y, way = pooling(x, kernel=kernel, stride=kernel, pad=pad)
        assert y.shape[2:] == (bins, bins)
        tops.append(y)
        ways.append(way)
    flat = [y.reshape(len(x), -1) for y in tops]
    joined = tops[0] if levels == 1 else np.concatenate(flat, 1)

    def back(diff):
        parts = np.split(diff.reshape(len(x), -1), np.cumsum([y.shape[1] for y in flat])[:-1], 1)
        return [sum(way(part.reshape(y.shape))[0] for way, part, y in zip(ways, parts, tops, strict=True))]

    return joined, back


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


def lrn_within(x, *, size=5, alpha=1.0, beta=0.75, k=1.0):
    """top = x * s^-beta, s = 1 + alpha/size² * the sum of x² over the size x size places around; k does not count."""
    alpha, beta, h, w = f32(alpha), f32(beta), *x.shape[2:]
    s = np.ones(x.shape)
    near = {}
    for row, column in np.ndindex(h, w):
        rows = slice(max(0, row - size // 2), row + size // 2 + 1)
        columns = slice(max(0, column - size // 2), column + size // 2 + 1)
        near[row, column] = np.s_[:, :, rows, columns]
        s[:, :, row, column] += alpha / size**2 * (x[near[row, column]] ** 2).sum((2, 3))
    y = x * s**-beta

    def back(diff):
        dx = diff * s**-beta
        for (row, column), places in near.items():  # d top[row, column] / d x[places]
            at = np.s_[:, :, row, column]
            share = diff[at] * x[at] * -beta * s[at] ** (-beta - 1) * 2 * alpha / size**2
            dx[places] += share[:, :, None, None] * x[places]
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


def exponential(x, *, base=-1.0, scale=1.0, shift=0.0):
    log_base = 1.0 if base == -1 else np.log(f32(base))
    y = np.exp(log_base * (f32(shift) + f32(scale) * x))
    return y, lambda diff: [diff * y * log_base * f32(scale)]


def logarithm(x, *, base=-1.0, scale=1.0, shift=0.0):
    log_base = 1.0 if base == -1 else np.log(f32(base))
    inner = f32(shift) + f32(scale) * x
    return np.log(inner) / log_base, lambda diff: [diff * f32(scale) / (log_base * inner)]


def prelu(x, slope):
    """One slope a channel, or one for all (0 axes)."""
    slope = slope if slope.ndim == 0 else _channels(slope, x)
    y = np.maximum(x, 0) + slope * np.minimum(x, 0)
    return y, lambda diff: [diff * (x > 0) + diff * slope * (x <= 0)]


def elu(x, *, alpha=1.0):
    alpha = f32(alpha)
    y = np.maximum(x, 0) + alpha * (np.exp(np.minimum(x, 0)) - 1)
    return y, lambda diff: [np.where(x > 0, diff, diff * alpha * np.exp(np.minimum(x, 0)))]


def absolute(x):
    return np.abs(x), lambda diff: [diff * np.sign(x)]


def bnll(x):
    return np.logaddexp(x, 0), lambda diff: [diff / (1 + np.exp(-x))]


def threshold(x, *, threshold=0.0):
    return np.where(x > f32(threshold), 1.0, 0.0), lambda diff: [np.zeros(x.shape)]


def clip(x, *, low, high):
    inside = (f32(low) <= x) & (x <= f32(high))
    return np.maximum(np.minimum(x, f32(high)), f32(low)), lambda diff: [diff * inside]


def swish(x, *, beta=1.0):
    s = 1 / (1 + np.exp(-f32(beta) * x))
    return x * s, lambda diff: [diff * (s + x * f32(beta) * s * (1 - s))]


def same(x):
    """Dropout at test time."""
    return x, lambda diff: [diff]


def split(x, tops):
    return [x] * tops, lambda *diffs: [sum(diffs)]


def concat(*bottoms, axis=1):
    y = np.concatenate(bottoms, axis)
    ends = np.cumsum([bottom.shape[axis] for bottom in bottoms])[:-1]
    return y, lambda diff: np.split(diff, ends, axis)


def unstable_product(*bottoms):
    y, _ = product(*bottoms)
    return y, lambda diff: [diff * y / bottom for bottom in bottoms]


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


def parameter(weights):
    return weights, lambda diff: []


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


def batch_statistics(x, *unused, eps=1e-5):
    """BatchNorm with the mean and variance of what comes in, channel by channel: as MVN, but eps in the variance."""
    axes = (0, *range(2, x.ndim))
    return _normalised(x, axes, lambda variance: np.sqrt(variance + f32(eps)))


def mvn(x, *, across=False, variance=True, eps=1e-9):
    """The mean of maps (`across`: pictures) away, then divided by deviation + eps: and Caffe's own gradient."""
    images = x.reshape(*x.shape, *[1] * (4 - x.ndim))
    axes = (1, 2, 3) if across else (2, 3)
    deviation = (lambda v: np.sqrt(v) + f32(eps)) if variance else (lambda v: None)
    y, back = _normalised(images, axes, deviation)
    return y, lambda diff: [back(diff)[0].reshape(x.shape)]


def _normalised(x, axes, deviation):
    centred = x - x.mean(axes, keepdims=True)
    by = deviation((centred**2).mean(axes, keepdims=True))
    if by is None:
        return centred, lambda diff: [diff - diff.mean(axes, keepdims=True)]
    y = centred / by

    def back(diff):
        return [(diff - diff.mean(axes, keepdims=True) - y * (diff * y).mean(axes, keepdims=True)) / by]

    return y, back


def scale(x, *numbers, axis=1, weights=1):
    """Times a factor along axes from `axis` on, then plus a bias; `weights`: how many of the numbers are no bottoms."""
    factor, bias = (*numbers, None)[:2]
    laid = [None if n is None else _along(n, x, axis) for n in (factor, bias)]
    y = x * laid[0] + (0 if bias is None else laid[1])

    def back(diff):
        diffs = [diff * laid[0]]
        return diffs if weights else [*diffs, _summed(diff * x, factor, axis)]

    return y, back


def offset(x, numbers, *, axis=1, weights=1):
    back = (lambda diff: [diff]) if weights else (lambda diff: [diff, _summed(diff, numbers, axis)])
    return x + _along(numbers, x, axis), back


def _along(numbers, x, axis):
    axis = 0 if numbers.ndim == 0 else axis % x.ndim
    laid = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        laid[place] = numbers[place[axis : axis + numbers.ndim]]
    return laid


def _summed(values, numbers, axis):
    total = np.zeros(numbers.shape)
    axis = 0 if numbers.ndim == 0 else axis % values.ndim
    for place in np.ndindex(values.shape):
        total[place[axis : axis + numbers.ndim]] += values[place]
    return total


def reduction(x, *, operation="SUM", axis=0, coeff=1.0):
    value, slope = {
        "ASUM": (np.abs, np.sign),
        "SUMSQ": (np.square, lambda x: 2 * x),
    }.get(operation, (lambda x: x, np.ones_like))
    axes = tuple(range(axis % x.ndim, x.ndim))
    by = f32(coeff) / (np.prod(x.shape[axis % x.ndim :]) if operation == "MEAN" else 1)
    return value(x).sum(axes) * by, lambda diff: [np.expand_dims(diff, axes) * by * slope(x)]


def argmax(x, *, top_k=1, values=False, axis=None):
    """Sorted by value, then by place, from the end: the last of equal ones comes first."""

    def best(row):
        places = sorted(range(len(row)), key=lambda place: (row[place], place))[::-1][:top_k]
        return np.float64([places, row[places]])

    if axis is None:
        y = np.stack([best(image.ravel())[: 1 + values] for image in x])
        y = y.reshape(*y.shape, *[1] * (x.ndim - 3))
    else:
        y = np.apply_along_axis(lambda row: best(row)[int(values)], axis, x)
    return y, lambda diff: [np.zeros(x.shape)]
