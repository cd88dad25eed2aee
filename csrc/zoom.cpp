#include "zoom.hpp"

#include <algorithm>
#include <type_traits>

#include "linear.hpp"

namespace pydream {

namespace {

// coordinate = o * ((in - 1) / (out - 1)): corners meet. Rounding can put the last one above in - 1, and SciPy's
// mode='constant' then makes the whole last row or column 0; so does the reference result.
Axis axis_of(std::ptrdiff_t in, std::ptrdiff_t out) {
    const double step = out == 1 ? 1.0 : static_cast<double>(in - 1) / static_cast<double>(out - 1);
    return Axis(in, out, [=](std::ptrdiff_t o) { return static_cast<double>(o) * step; });
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
bool zoom(T* out, const T* in, std::ptrdiff_t channels, std::ptrdiff_t in_height, std::ptrdiff_t in_width,
          std::ptrdiff_t out_height, std::ptrdiff_t out_width, int threads) {
    if (out_height == in_height && out_width == in_width) {
        // SciPy returns a copy here since 1.16: -0 and the neighbours of a NaN keep their values.
        std::copy_n(in, channels * in_height * in_width, out);
        return true;
    }
    const Axis ys = axis_of(in_height, out_height), xs = axis_of(in_width, out_width);
    if (!ys.places || !xs.places) return false;
    constexpr std::integral_constant<std::ptrdiff_t, 1> one{};
    // An output is finite only where all pixels that it reads are, and the next channel reads at the same places.
    // `row` is of out, through all channels.
    const auto make = [&](T* to, std::ptrdiff_t row, double* rows, bool exact) {
        const std::ptrdiff_t channel = row / out_height, y = row % out_height;
        if (!ys.has(y)) {
            std::fill_n(to, out_width, T{0});
            return;
        }
        if (exact) {
            exact_row(to, in, ys.of(y), xs, channel, channels, in_height, in_width);
        } else {
            const T* const from = in + channel * in_height * in_width;
            blend_row(to, from, ys.of(y), xs, in_height, in_width, one, rows);
        }
        std::fill(to + xs.end, to + out_width, T{0});
    };
    return make_rows(out, channels * out_height, out_width, 2 * (in_width + 1), threads, make);
}

#define PYDREAM_INSTANTIATE(T)                                                                       \
    template bool zoom(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, \
                       std::ptrdiff_t, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
