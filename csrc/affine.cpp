#include "affine.hpp"

#include <algorithm>
#include <atomic>
#include <type_traits>
#include <vector>

#include "linear.hpp"
#include "parallel.hpp"

namespace pydream {

namespace {

// Makes all rows by make(to, y, scratch, exact): without SciPy's products of weight 0, which only a value that is not
// finite would show, and where there is one, all once more with them.
template <class T, class Make>
void make_rows(T* out,                       // (height, row)
               std::ptrdiff_t height,        //
               std::ptrdiff_t row,           //
               std::ptrdiff_t scratch_size,  // doubles that `make` has to itself
               int threads,                  //
               const Make& make) {
    std::atomic<bool> finite{true};
    const auto all_rows = [&](bool exact) {
        parallel_for(height, row, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            std::vector<double> scratch(static_cast<std::size_t>(scratch_size));
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                make(out + y * row, y, scratch.data(), exact);
                if (!exact && !all_finite(out + y * row, row)) finite = false;
            }
        });
    };
    all_rows(false);
    if (!finite) all_rows(true);
}

// out = row0[i] * weight0 + row0[i + 1] * weight1 + row1[i] * weight0 + row1[i + 1] * weight1, i = first, for each
// channel. Channels is a number, or a type that stands for one.
template <class T, class Channels>
void blend(T* __restrict out,               // (n, channels)
           const double* __restrict row0,   // upper source row times its weight
           const double* __restrict row1,   // lower source row times its weight
           const Place* __restrict places,  // (n,)
           std::ptrdiff_t n,                //
           Channels channels) {
    for (std::ptrdiff_t x = 0; x < n; ++x) {
        const Place& place = places[x];
        const std::ptrdiff_t i = place.first * channels;
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            double sum = 0.0;  // and not the first product, which may be -0
            sum += row0[i + c] * place.weight0;
            sum += row0[i + channels + c] * place.weight1;
            sum += row1[i + c] * place.weight0;
            sum += row1[i + channels + c] * place.weight1;
            out[x * channels + c] = static_cast<T>(sum);
        }
    }
}

// The same for one pixel, from the picture itself.
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

// Pictures have three channels: for them the compiler knows it.
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
    const std::ptrdiff_t row = width * channels, padded = row + channels;
    make_rows(out, height, row, 2 * padded, threads, [&](T* to, std::ptrdiff_t y, double* rows, bool exact) {
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
            const Place& place = ys.of(y);
            weigh(rows, in + place.first * row, place.weight0, width, channels);
            weigh(rows + padded, in + next(place.first, height) * row, place.weight1, width, channels);
            blend(to + xs.begin * channels, rows, rows + padded, xs.places.data(), xs.end - xs.begin, channels);
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
