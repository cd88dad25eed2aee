#include "affine.hpp"

#include <algorithm>
#include <atomic>
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
[[nodiscard]] bool with_channels(std::ptrdiff_t channels, const Run& run) {
    if (channels == 3) return run(std::integral_constant<std::ptrdiff_t, 3>{});
    return run(channels);
}

// Where the output o reads along an axis of its own.
auto along_axis(double matrix, double offset, bool offset_first) {
    const double shift = offset_first ? offset : offset / matrix;
    return [=](std::ptrdiff_t o) { return (static_cast<double>(o) + shift) * matrix; };
}

// Where the output (o, p) reads along the axis of a matrix's row.
auto along_row(const double* matrix,  // (2,)
               double offset) {
    return [=](std::ptrdiff_t o, std::ptrdiff_t p) {
        return offset + static_cast<double>(o) * matrix[0] + static_cast<double>(p) * matrix[1];
    };
}

template <class T, class Channels>
bool by_diagonal(T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width, Channels channels, const Axis& ys,
                 const Axis& xs, int threads) {
    const std::ptrdiff_t row = width * channels;
    const auto make = [&](T* to, std::ptrdiff_t y, double* rows, bool exact) {
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
    };
    return make_rows(out, height, row, 2 * (row + channels), threads, make);
}

template <class T, class Channels>
bool by_matrix(T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width, Channels channels,
               const double* matrix, const double* offset, int threads) {
    const std::ptrdiff_t row = width * channels;
    const auto at = along_row(matrix, offset[0]), across = along_row(matrix + 2, offset[1]);
    return make_rows(out, height, row, 0, threads, [=](T* to, std::ptrdiff_t o, double*, bool exact) {
        for (std::ptrdiff_t p = 0; p < width; ++p, to += channels) {
            const double y = at(o, p), x = across(o, p);
            if (!(is_inside(y, height) && is_inside(x, width))) {
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

// The first of 0..size-1 for which holds(p), which is then true of all that follow; size if there is none.
template <class Holds>
std::ptrdiff_t first_of(std::ptrdiff_t size, const Holds& holds) {
    std::ptrdiff_t begin = 0, end = size;
    while (begin < end) {
        const std::ptrdiff_t middle = begin + (end - begin) / 2;
        if (holds(middle)) {
            end = middle;
        } else {
            begin = middle + 1;
        }
    }
    return begin;
}

// The output (o, p) reads at y = at(o, p), which is monotonic in p or nowhere inside, and x = across(o, p).
template <class T, class At, class Across, class Channels>
bool scatter(T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width, Channels channels, const At& at,
             const Across& across, int threads) {
    constexpr std::ptrdiff_t most_rows = 32;  // whose sums a thread keeps at the same time
    const std::ptrdiff_t row = width * channels;
    std::atomic<bool> memory{true};
    parallel_for(height, row, threads, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
        Buffer<double> sums(std::min(last - first, most_rows) * row);
        if (!sums) {
            memory = false;
            return;
        }
        for (std::ptrdiff_t begin = first; begin < last; begin += most_rows) {
            const std::ptrdiff_t end = std::min(begin + most_rows, last);
            const auto low = static_cast<double>(begin - 1), high = static_cast<double>(end);
            std::fill_n(sums.data(), (end - begin) * row, 0.0);
            for (std::ptrdiff_t o = 0; o < height; ++o) {
                const bool down = at(o, 0) <= at(o, width - 1);
                const std::ptrdiff_t from = first_of(
                    width, [&](std::ptrdiff_t p) { return down ? at(o, p) >= low : at(o, p) <= high; });
                for (std::ptrdiff_t p = from; p < width; ++p) {
                    const double y = at(o, p), x = across(o, p);
                    if (down ? y > high : y < low) break;
                    if (!(is_inside(y, height) && is_inside(x, width))) continue;
                    const Taps at_y(Place(y), height, 1), at_x(Place(x), width, channels);
                    const T* const value = in + (o * width + p) * channels;
                    for (int j = 0; j < 2; ++j) {
                        if (at_y.at[j] < begin || at_y.at[j] >= end) continue;  // another band's
                        for (int i = 0; i < 2; ++i) {
                            double* const sum = sums.data() + (at_y.at[j] - begin) * row + at_x.at[i];
                            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                                sum[c] += static_cast<double>(value[c]) * at_y.weight[j] * at_x.weight[i];
                            }
                        }
                    }
                }
            }
            std::transform(sums.data(), sums.data() + (end - begin) * row, out + begin * row,
                           [](double sum) { return static_cast<T>(sum); });
        }
    });
    return memory;
}

}  // namespace

template <class T>
bool affine_transform(T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t channels,
                      const double* matrix, bool diagonal, const double* offset, bool offset_first, int threads) {
    if (diagonal) {
        const Axis ys(height, height, along_axis(matrix[0], offset[0], offset_first)),
            xs(width, width, along_axis(matrix[1], offset[1], offset_first));
        return with_channels(channels, [&](auto n) { return by_diagonal(out, in, height, width, n, ys, xs, threads); });
    }
    return with_channels(
        channels, [&](auto n) { return by_matrix(out, in, height, width, n, matrix, offset, threads); });
}

template <class T>
bool affine_transform_adjoint(T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width,
                              std::ptrdiff_t channels, const double* matrix, bool diagonal, const double* offset,
                              bool offset_first, int threads) {
    if (diagonal) {
        const auto ys = along_axis(matrix[0], offset[0], offset_first),
                   xs = along_axis(matrix[1], offset[1], offset_first);
        const auto at = [=](std::ptrdiff_t o, std::ptrdiff_t) { return ys(o); };
        const auto across = [=](std::ptrdiff_t, std::ptrdiff_t p) { return xs(p); };
        return with_channels(channels, [&](auto n) { return scatter(out, in, height, width, n, at, across, threads); });
    }
    const auto at = along_row(matrix, offset[0]), across = along_row(matrix + 2, offset[1]);
    return with_channels(channels, [&](auto n) { return scatter(out, in, height, width, n, at, across, threads); });
}

#define PYDREAM_INSTANTIATE(T)                                                                                     \
    template bool affine_transform(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, const double*,    \
                                   bool, const double*, bool, int);                                                \
    template bool affine_transform_adjoint(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,           \
                                           const double*, bool, const double*, bool, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
