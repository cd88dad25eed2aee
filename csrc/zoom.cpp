#include "zoom.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "clones.hpp"
#include "parallel.hpp"

namespace pydream {

namespace {

// Where the outputs along one axis read: out[o] = weight0[o] * in[first[o]] + weight1[o] * in[first[o] + 1]
struct Axis {
    std::vector<std::ptrdiff_t> first;
    std::vector<double> weight0, weight1;
    std::ptrdiff_t inside = 0;  // outputs from here on read beyond the input, which is 0

    Axis(std::ptrdiff_t in, std::ptrdiff_t out) {
        // coordinate = o * ((in - 1) / (out - 1)): corners meet. Rounding can put the last one above in - 1,
        // and SciPy's mode='constant' then makes the whole last row or column 0. That is in the reference
        // result.
        const double last = static_cast<double>(in - 1);
        const double step = out == 1 ? 1.0 : last / static_cast<double>(out - 1);
        first.reserve(static_cast<std::size_t>(out));
        weight0.reserve(static_cast<std::size_t>(out));
        weight1.reserve(static_cast<std::size_t>(out));
        for (; inside < out; ++inside) {
            const double coordinate = static_cast<double>(inside) * step;
            if (coordinate > last) break;
            const double whole = std::floor(coordinate);
            first.push_back(static_cast<std::ptrdiff_t>(whole));
            weight0.push_back(1.0 - (coordinate - whole));
            weight1.push_back(1.0 - weight0.back());  // not the fraction itself: that differs in the last bit
        }
    }
};

// The neighbour after i, mirrored at the end: it has weight 0 there, but 0 times NaN or infinity is NaN.
std::ptrdiff_t next(std::ptrdiff_t i, std::ptrdiff_t size) {
    return i + 1 < size ? i + 1 : std::max<std::ptrdiff_t>(size - 2, 0);
}

template <class T>
PYDREAM_CLONES bool all_finite(const T* in, std::ptrdiff_t n) {
    constexpr T largest = std::numeric_limits<T>::max();
    int bad = 0;
    for (std::ptrdiff_t i = 0; i < n; ++i) bad |= !(std::abs(in[i]) <= largest);
    return bad == 0;
}

// weighted[x] = in[x] * weight, with the mirrored neighbour behind the last for `first + 1`
template <class T>
PYDREAM_CLONES void weigh(double* __restrict weighted,  // (n + 1,)
                          const T* __restrict in,       // (n,)
                          double weight,                //
                          std::ptrdiff_t n) {
    for (std::ptrdiff_t x = 0; x < n; ++x) weighted[x] = static_cast<double>(in[x]) * weight;
    weighted[n] = weighted[next(n - 1, n)];
}

// out = row0[i] * weight0 + row0[i + 1] * weight1 + row1[i] * weight0 + row1[i + 1] * weight1, i = first
template <class T>
void blend(T* __restrict out,                       // (n,)
           const double* __restrict row0,           // upper source row times its weight
           const double* __restrict row1,           // lower source row times its weight
           const std::ptrdiff_t* __restrict first,  // (n,)
           const double* __restrict weight0,        // (n,)
           const double* __restrict weight1,        // (n,)
           std::ptrdiff_t n) {
    for (std::ptrdiff_t x = 0; x < n; ++x) {
        const std::ptrdiff_t i = first[x];
        double sum = 0.0;  // and not the first product, which may be -0
        sum += row0[i] * weight0[x];
        sum += row0[i + 1] * weight1[x];
        sum += row1[i] * weight0[x];
        sum += row1[i + 1] * weight1[x];
        out[x] = static_cast<T>(sum);
    }
}

// One output row without the four products that SciPy adds from the next channel, times 0. Tells whether it
// is finite.
template <class T>
bool quick_row(T* out,          // (out_width,)
               const T* in,     // (in_height, in_width), the channel
               const Axis& ys,  //
               const Axis& xs,  //
               std::ptrdiff_t y, std::ptrdiff_t in_height, std::ptrdiff_t in_width,
               double* rows) {  // (2, in_width + 1), scratch
    const auto o = static_cast<std::size_t>(y);
    const std::ptrdiff_t y0 = ys.first[o];
    double *const row0 = rows, *const row1 = rows + in_width + 1;
    weigh(row0, in + y0 * in_width, ys.weight0[o], in_width);
    weigh(row1, in + next(y0, in_height) * in_width, ys.weight1[o], in_width);
    blend(out, row0, row1, xs.first.data(), xs.weight0.data(), xs.weight1.data(), xs.inside);
    return all_finite(out, xs.inside);
}

// One output row as SciPy does it: eight products, channel slowest.
template <class T>
void exact_row(T* out,       // (out_width,)
               const T* in,  // (channels, in_height, in_width)
               const Axis& ys, const Axis& xs, std::ptrdiff_t channel, std::ptrdiff_t y,
               std::ptrdiff_t channels, std::ptrdiff_t in_height, std::ptrdiff_t in_width) {
    const auto oy = static_cast<std::size_t>(y);
    const std::ptrdiff_t cs[2] = {channel, next(channel, channels)},
                         y01[2] = {ys.first[oy], next(ys.first[oy], in_height)};
    const double weight_c[2] = {1.0, 0.0}, weight_y[2] = {ys.weight0[oy], ys.weight1[oy]};
    for (std::ptrdiff_t x = 0; x < xs.inside; ++x) {
        const auto ox = static_cast<std::size_t>(x);
        const std::ptrdiff_t x01[2] = {xs.first[ox], next(xs.first[ox], in_width)};
        const double weight_x[2] = {xs.weight0[ox], xs.weight1[ox]};
        double sum = 0.0;
        for (int c = 0; c < 2; ++c) {
            for (int j = 0; j < 2; ++j) {
                for (int i = 0; i < 2; ++i) {
                    const double value =
                        static_cast<double>(in[(cs[c] * in_height + y01[j]) * in_width + x01[i]]);
                    sum += value * weight_c[c] * weight_y[j] * weight_x[i];
                }
            }
        }
        out[x] = static_cast<T>(sum);
    }
}

}  // namespace

template <class T>
void zoom(T* out, const T* in, std::ptrdiff_t channels, std::ptrdiff_t in_height, std::ptrdiff_t in_width,
          std::ptrdiff_t out_height, std::ptrdiff_t out_width, int threads) {
    if (out_height == in_height && out_width == in_width) {
        // SciPy leaves early here since 1.16: -0 and the neighbours of a NaN stay what they are.
        std::copy_n(in, channels * in_height * in_width, out);
        return;
    }
    const Axis ys(in_height, out_height), xs(in_width, out_width);

    std::atomic<bool> finite{true};
    const auto all_rows = [&](bool with_next_channel) {
        parallel_for(channels * out_height, out_width, threads,
                     [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                         std::vector<double> rows(2 * static_cast<std::size_t>(in_width + 1));
                         for (std::ptrdiff_t row = begin; row < end; ++row) {  // of out, through all channels
                             const std::ptrdiff_t channel = row / out_height, y = row % out_height;
                             const T* const from = in + channel * in_height * in_width;
                             T* const to = out + row * out_width;
                             if (y >= ys.inside) {
                                 std::fill_n(to, out_width, T{0});
                                 continue;
                             }
                             if (with_next_channel) {
                                 exact_row(to, in, ys, xs, channel, y, channels, in_height, in_width);
                             } else if (!quick_row(to, from, ys, xs, y, in_height, in_width, rows.data())) {
                                 finite = false;
                             }
                             std::fill(to + xs.inside, to + out_width, T{0});
                         }
                     });
    };
    // An output is finite only where all pixels that it reads are, and the next channel reads at the same
    // places. So where all outputs are finite, its products are 0 or -0 and change no sum that began with 0.
    // Otherwise, once more with them.
    all_rows(false);
    if (!finite) all_rows(true);
}

#define PYDREAM_INSTANTIATE(T)                                                                       \
    template void zoom(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, \
                       std::ptrdiff_t, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
