// What pydream.h promises, written as plainly as possible: one element after the other, on one thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

namespace reference {

inline std::ptrdiff_t modulo(std::ptrdiff_t a, std::ptrdiff_t size) { return (a % size + size) % size; }

template <class T>
std::vector<T> made(std::ptrdiff_t count) {
    return std::vector<T>(static_cast<std::size_t>(count));
}

template <class T>
T& at(std::vector<T>& numbers, std::ptrdiff_t i) {
    return numbers[static_cast<std::size_t>(i)];
}

struct Layout {
    std::ptrdiff_t channels, height, width;
    bool channels_last;

    [[nodiscard]] std::ptrdiff_t count() const { return channels * height * width; }
    [[nodiscard]] std::ptrdiff_t of(std::ptrdiff_t c, std::ptrdiff_t y, std::ptrdiff_t x) const {
        return channels_last ? (y * width + x) * channels + c : (c * height + y) * width + x;
    }
};

// Calls each(c, y, x) for all elements of an image.
inline void for_each(const Layout& of, const std::function<void(std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t)>& each) {
    for (std::ptrdiff_t c = 0; c < of.channels; ++c) {
        for (std::ptrdiff_t y = 0; y < of.height; ++y) {
            for (std::ptrdiff_t x = 0; x < of.width; ++x) each(c, y, x);
        }
    }
}

template <class T>
std::vector<T> to_tensor(const T* in, const Layout& tensor, std::ptrdiff_t ox, std::ptrdiff_t oy) {
    const Layout image{tensor.channels, tensor.height, tensor.width, false};
    std::vector<T> out = made<T>(tensor.count());
    const std::ptrdiff_t right = modulo(ox, tensor.width), down = modulo(oy, tensor.height);
    for_each(image, [&](auto c, auto y, auto x) {
        at(out, tensor.of(c, (y + down) % tensor.height, (x + right) % tensor.width)) = in[image.of(c, y, x)];
    });
    return out;
}

// The two elements that a coordinate reads along an axis, and their weights.
struct Neighbours {
    std::ptrdiff_t index[2];
    double weight[2];

    Neighbours(double coordinate, std::ptrdiff_t size) {
        index[0] = static_cast<std::ptrdiff_t>(std::floor(coordinate));
        index[1] = index[0] + 1;
        if (index[1] == size) index[1] = size == 1 ? 0 : size - 2;  // mirrored
        weight[0] = 1.0 - (coordinate - std::floor(coordinate));
        weight[1] = 1.0 - weight[0];
    }
};

inline bool inside(double coordinate, std::ptrdiff_t size) {
    return coordinate >= 0.0 && coordinate <= static_cast<double>(size - 1);
}

// SciPy's eight products, of this channel and, with the weight 0, of the next one.
template <class T>
T interpolated(const T* in, const Layout& layout, double y, double x, std::ptrdiff_t channel) {
    if (!inside(y, layout.height) || !inside(x, layout.width)) return T{0};
    const Neighbours ys(y, layout.height), xs(x, layout.width), cs(static_cast<double>(channel), layout.channels);
    double sum = 0.0;
    for (int j = 0; j < 2; ++j) {
        for (int i = 0; i < 2; ++i) {
            for (int c = 0; c < 2; ++c) {
                const auto value = static_cast<double>(in[layout.of(cs.index[c], ys.index[j], xs.index[i])]);
                sum += value * ys.weight[j] * xs.weight[i] * cs.weight[c];
            }
        }
    }
    return static_cast<T>(sum);
}

template <class T>
std::vector<T> zoom(const T* in, const Layout& from, std::ptrdiff_t height, std::ptrdiff_t width) {
    if (height == from.height && width == from.width) return std::vector<T>(in, in + from.count());
    const auto step = [](std::ptrdiff_t a, std::ptrdiff_t b) {
        return b == 1 ? 1.0 : static_cast<double>(a - 1) / static_cast<double>(b - 1);
    };
    const double down = step(from.height, height), right = step(from.width, width);
    const Layout to{from.channels, height, width, false};
    std::vector<T> out = made<T>(to.count());
    for_each(to, [&](auto c, auto y, auto x) {
        at(out, to.of(c, y, x)) =
            interpolated(in, from, static_cast<double>(y) * down, static_cast<double>(x) * right, c);
    });
    return out;
}

// Where the output (y, x) of an affine transform reads.
struct Map {
    const double* matrix;
    const double* offset;
    bool diagonal, offset_first;

    [[nodiscard]] double along(int axis, std::ptrdiff_t y, std::ptrdiff_t x) const {
        if (!diagonal) {
            const double* const row = matrix + 2 * axis;
            return (offset[axis] + row[0] * static_cast<double>(y)) + row[1] * static_cast<double>(x);
        }
        const double shift = offset_first ? offset[axis] : offset[axis] / matrix[axis];
        return matrix[axis] * (static_cast<double>(axis == 0 ? y : x) + shift);
    }
};

template <class T>
std::vector<T> affine_transform(const T* in, const Layout& frame, const Map& map) {
    std::vector<T> out = made<T>(frame.count());
    for_each(frame, [&](auto c, auto y, auto x) {
        at(out, frame.of(c, y, x)) = interpolated(in, frame, map.along(0, y, x), map.along(1, y, x), c);
    });
    return out;
}

template <class T>
std::vector<T> affine_transform_adjoint(const T* in, const Layout& frame, const Map& map) {
    std::vector<double> sums = made<double>(frame.count());
    for_each(frame, [&](auto c, auto y, auto x) {
        const double from_y = map.along(0, y, x), from_x = map.along(1, y, x);
        if (!inside(from_y, frame.height) || !inside(from_x, frame.width)) return;
        const Neighbours ys(from_y, frame.height), xs(from_x, frame.width);
        for (int j = 0; j < 2; ++j) {
            for (int i = 0; i < 2; ++i) {
                at(sums, frame.of(c, ys.index[j], xs.index[i])) +=
                    static_cast<double>(in[frame.of(c, y, x)]) * ys.weight[j] * xs.weight[i];
            }
        }
    });
    std::vector<T> out(sums.size());
    std::transform(sums.begin(), sums.end(), out.begin(), [](double sum) { return static_cast<T>(sum); });
    return out;
}

// NumPy's pairwise sum of |g|.
template <class T>
T pairwise(const T* g, std::ptrdiff_t n) {
    if (n > 128) {
        const std::ptrdiff_t half = n / 2 / 8 * 8;
        const T left = pairwise(g, half);
        return left + pairwise(g + half, n - half);
    }
    T running[8] = {}, sum = 0;
    const std::ptrdiff_t whole = n / 8 * 8;
    for (std::ptrdiff_t i = 0; i < whole; ++i) running[i % 8] += std::abs(g[i]);
    sum = ((running[0] + running[1]) + (running[2] + running[3])) + ((running[4] + running[5]) + (running[6] + running[7]));
    for (std::ptrdiff_t i = whole; i < n; ++i) sum += std::abs(g[i]);
    return sum;
}

template <class T>
T mean_abs(const T* g, std::ptrdiff_t n, std::ptrdiff_t block) {
    T sum = 0;
    for (std::ptrdiff_t start = 0; start < n;) {
        const std::ptrdiff_t length = std::min(block, n - start);
        sum += pairwise(g + start, length);
        start += length;
    }
    return static_cast<T>(static_cast<double>(sum) / static_cast<double>(n));
}

// Returns the elements of a tensor in the order of (channels, height, width).
template <class T>
std::vector<T> in_order(const T* tensor, const Layout& layout) {
    const Layout image{layout.channels, layout.height, layout.width, false};
    std::vector<T> out = made<T>(image.count());
    for_each(image, [&](auto c, auto y, auto x) { at(out, image.of(c, y, x)) = tensor[layout.of(c, y, x)]; });
    return out;
}

// x + rate * g, where g was rolled.
template <class T>
std::vector<T> ascended(const T* x, const T* g, const Layout& tensor, std::ptrdiff_t ox, std::ptrdiff_t oy, T rate) {
    const Layout image{tensor.channels, tensor.height, tensor.width, false};
    const std::ptrdiff_t right = modulo(ox, tensor.width), down = modulo(oy, tensor.height);
    std::vector<T> out = made<T>(image.count());
    for_each(image, [&](auto c, auto row, auto column) {
        const std::ptrdiff_t i = image.of(c, row, column);
        const T added = rate * g[tensor.of(c, (row + down) % tensor.height, (column + right) % tensor.width)];
        at(out, i) = x[i] + added;
    });
    return out;
}

// As numpy.clip: a NaN stays, a NaN bound makes its channel NaN.
template <class T>
void clip(std::vector<T>& x, const T* low, const T* high, std::ptrdiff_t pixels) {
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto c = static_cast<std::ptrdiff_t>(i) / pixels;
        if (std::isnan(x[i]) || std::isnan(low[c]) || std::isnan(high[c])) {
            x[i] = std::numeric_limits<T>::quiet_NaN();
        } else {
            x[i] = std::min(std::max(x[i], low[c]), high[c]);
        }
    }
}

}  // namespace reference
