#include "affine.hpp"

#include <algorithm>
#include <type_traits>

#include "linear.hpp"

namespace pydream {

namespace {

// blend for one pixel, directly from the picture.
template <class T, class Channels>
void mix(T* __restrict out,       // (channels,)
         const T* __restrict in,  // (height, width, channels)
         const Taps& y, const Taps& x, Channels channels) {
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        double sum = 0.0;
        for (int j = 0; j < 2; ++j) {
            for (int i = 0; i < 2; ++i) {
                sum += static_cast<double>(in[y.at[j] + x.at[i] + c]) * y.weight[j] * x.weight[i];
            }
        }
        out[c] = static_cast<T>(sum);
    }
}

template <class T>
void mix_exactly(T* out,       // (channels,)
                 const T* in,  // (height, width, channels)
                 const Taps& y, const Taps& x, std::ptrdiff_t channels) {
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        out[c] = sum_of_products(in, y, x, Taps(Place(static_cast<double>(c)), channels, 1));
    }
}

// Pictures have three channels: the compiler makes a loop for that number.
template <class Run>
void with_channels(std::ptrdiff_t channels, const Run& run) {
    if (channels == 3) {
        run(std::integral_constant<std::ptrdiff_t, 3>{});
    } else {
        run(channels);
    }
}

Axis axis_of(std::ptrdiff_t size, double matrix, double offset, bool offset_first) {
    const double shift = offset_first ? offset : offset / matrix;
    return Axis(size, size, [=](std::ptrdiff_t o) { return (static_cast<double>(o) + shift) * matrix; });
}

template <class T, class Channels>
void by_diagonal(T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width, Channels channels, const Axis& ys,
                 const Axis& xs, int threads) {
    const std::ptrdiff_t row = width * channels;
    make_rows(out, height, row, 2 * (row + channels), threads, [&](T* to, std::ptrdiff_t y, double* rows, bool exact) {
        if (!ys.has(y)) {
            std::fill_n(to, row, T{0});
            return;
        }
        std::fill_n(to, xs.begin * channels, T{0});
        if (exact) {
            const Taps at_y(ys.of(y), height, row);
            for (std::ptrdiff_t x = xs.begin; x < xs.end; ++x) {
                mix_exactly(to + x * channels, in, at_y, Taps(xs.of(x), width, channels), channels);
            }
        } else {
            blend_row(to + xs.begin * channels, in, ys.of(y), xs, height, width, channels, rows);
        }
        std::fill(to + xs.end * channels, to + row, T{0});
    });
}

template <class T, class Channels>
void by_matrix(T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width, Channels channels,
               const double* matrix, const double* offset, int threads) {
    const std::ptrdiff_t row = width * channels;
    const auto last_y = static_cast<double>(height - 1), last_x = static_cast<double>(width - 1);
    make_rows(out, height, row, 0, threads, [=](T* to, std::ptrdiff_t o, double*, bool exact) {
        const auto oy = static_cast<double>(o);
        for (std::ptrdiff_t p = 0; p < width; ++p, to += channels) {
            const auto ox = static_cast<double>(p);
            const double y = offset[0] + oy * matrix[0] + ox * matrix[1];
            const double x = offset[1] + oy * matrix[2] + ox * matrix[3];
            if (!(y >= 0.0 && y <= last_y && x >= 0.0 && x <= last_x)) {
                std::fill_n(to, channels, T{0});
                continue;
            }
            const Taps at_y(Place(y), height, row), at_x(Place(x), width, channels);
            if (exact) {
                mix_exactly(to, in, at_y, at_x, channels);
            } else {
                mix(to, in, at_y, at_x, channels);
            }
        }
    });
}

}  // namespace

template <class T>
void affine_transform(T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t channels,
                      const double* matrix, bool diagonal, const double* offset, bool offset_first, int threads) {
    if (diagonal) {
        const Axis ys = axis_of(height, matrix[0], offset[0], offset_first),
                   xs = axis_of(width, matrix[1], offset[1], offset_first);
        with_channels(channels, [&](auto n) { by_diagonal(out, in, height, width, n, ys, xs, threads); });
    } else {
        with_channels(channels, [&](auto n) { by_matrix(out, in, height, width, n, matrix, offset, threads); });
    }
}

#define PYDREAM_INSTANTIATE(T)                                                                                  \
    template void affine_transform(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, const double*, \
                                   bool, const double*, bool, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
