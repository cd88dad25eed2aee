#include "zoom.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

#include "linear.hpp"
#include "parallel.hpp"

namespace pydream {

namespace {

// coordinate = o * ((in - 1) / (out - 1)): corners meet. Rounding can put the last one above in - 1, and SciPy's
// mode='constant' then makes the whole last row or column 0. That is in the reference result.
Axis axis_of(std::ptrdiff_t in, std::ptrdiff_t out) {
    const double step = out == 1 ? 1.0 : static_cast<double>(in - 1) / static_cast<double>(out - 1);
    return Axis(in, out, [=](std::ptrdiff_t o) { return static_cast<double>(o) * step; });
}

// out = row0[i] * weight0 + row0[i + 1] * weight1 + row1[i] * weight0 + row1[i + 1] * weight1, i = first
template <class T>
void blend(T* __restrict out,              // (n,)
           const double* __restrict row0,  // upper source row times its weight
           const double* __restrict row1,  // lower source row times its weight
           const Place* __restrict places,  // (n,)
           std::ptrdiff_t n) {
    for (std::ptrdiff_t x = 0; x < n; ++x) {
        const Place& place = places[x];
        const std::ptrdiff_t i = place.first;
        double sum = 0.0;  // and not the first product, which may be -0
        sum += row0[i] * place.weight0;
        sum += row0[i + 1] * place.weight1;
        sum += row1[i] * place.weight0;
        sum += row1[i + 1] * place.weight1;
        out[x] = static_cast<T>(sum);
    }
}

// One output row without the four products that SciPy adds from the next channel, times 0. Tells whether it is finite.
template <class T>
bool quick_row(T* out,          // (out_width,)
               const T* in,     // (in_height, in_width), the channel
               const Place& y,  //
               const Axis& xs,  //
               std::ptrdiff_t in_height, std::ptrdiff_t in_width,
               double* rows) {  // (2, in_width + 1), scratch
    double *const row0 = rows, *const row1 = rows + in_width + 1;
    weigh(row0, in + y.first * in_width, y.weight0, in_width, 1);
    weigh(row1, in + next(y.first, in_height) * in_width, y.weight1, in_width, 1);
    blend(out, row0, row1, xs.places.data(), xs.end);
    return all_finite(out, xs.end);
}

// One output row as SciPy does it, with eight products.
template <class T>
void exact_row(T* out,       // (out_width,)
               const T* in,  // (channels, in_height, in_width)
               const Place& y, const Axis& xs, std::ptrdiff_t channel, std::ptrdiff_t channels,
               std::ptrdiff_t in_height, std::ptrdiff_t in_width) {
    const Taps at_y(y, in_height, in_width);
    const Taps at_channel(Place(static_cast<double>(channel)), channels, in_height * in_width);
    for (std::ptrdiff_t x = 0; x < xs.end; ++x) {
        out[x] = sum_of_products(in, at_y, Taps(xs.of(x), in_width, 1), at_channel);
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
    const Axis ys = axis_of(in_height, out_height), xs = axis_of(in_width, out_width);

    std::atomic<bool> finite{true};
    const auto all_rows = [&](bool with_next_channel) {
        parallel_for(channels * out_height, out_width, threads,
                     [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                         std::vector<double> rows(2 * static_cast<std::size_t>(in_width + 1));
                         for (std::ptrdiff_t row = begin; row < end; ++row) {  // of out, through all channels
                             const std::ptrdiff_t channel = row / out_height, y = row % out_height;
                             const T* const from = in + channel * in_height * in_width;
                             T* const to = out + row * out_width;
                             if (!ys.has(y)) {
                                 std::fill_n(to, out_width, T{0});
                                 continue;
                             }
                             if (with_next_channel) {
                                 exact_row(to, in, ys.of(y), xs, channel, channels, in_height, in_width);
                             } else if (!quick_row(to, from, ys.of(y), xs, in_height, in_width, rows.data())) {
                                 finite = false;
                             }
                             std::fill(to + xs.end, to + out_width, T{0});
                         }
                     });
    };
    // An output is finite only where all pixels that it reads are, and the next channel reads at the same places.
    // Where one is not, all once more with the products of weight 0.
    all_rows(false);
    if (!finite) all_rows(true);
}

#define PYDREAM_INSTANTIATE(T)                                                                       \
    template void zoom(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, \
                       std::ptrdiff_t, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
