#include "passes/lrn.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "clones.hpp"
#include "parallel.hpp"

namespace pydream {

namespace {

constexpr std::ptrdiff_t block = 24 << 10;  // numbers of a buffer, of three: they stay in a core's second cache

// total[i] = rows[i] + rows[stride + i] + ..., `count` rows
template <class T>
PYDREAM_CLONES void add_rows(T* __restrict total, const T* __restrict rows, std::ptrdiff_t stride,
                             std::ptrdiff_t count, std::ptrdiff_t n) {
    if (count == 5) {  // of which both networks have theirs
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            total[i] = rows[i] + rows[stride + i] + rows[2 * stride + i] + rows[3 * stride + i] + rows[4 * stride + i];
        }
        return;
    }
    std::copy(rows, rows + n, total);
    for (std::ptrdiff_t row = 1; row < count; ++row) {
        for (std::ptrdiff_t i = 0; i < n; ++i) total[i] += rows[row * stride + i];
    }
}

template <class T>
PYDREAM_CLONES void square(T* __restrict out, const T* __restrict x, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = x[i] * x[i];
}

// scale[i] = k + alpha scale[i], power[i] = scale[i]^-beta
template <class T>
PYDREAM_CLONES void raise(T* __restrict scale, T* __restrict power, const Normalisation<T>& rule, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) scale[i] = rule.k + rule.alpha * scale[i];
    if (rule.beta == T{0.75}) {
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            const T root = std::sqrt(scale[i]);
            power[i] = 1 / (root * std::sqrt(root));
        }
    } else {
        for (std::ptrdiff_t i = 0; i < n; ++i) power[i] = std::pow(scale[i], -rule.beta);
    }
}

template <class T>
PYDREAM_CLONES void multiply(T* __restrict out, const T* __restrict a, const T* __restrict b, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = a[i] * b[i];
}

// passed[i] *= diff[i], ratio[i] = passed[i] x[i] / scale[i]
template <class T>
PYDREAM_CLONES void divide(T* __restrict passed, T* __restrict ratio, const T* __restrict scale,
                           const T* __restrict diff, const T* __restrict x, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        passed[i] *= diff[i];
        ratio[i] = passed[i] * x[i] / scale[i];
    }
}

// out[i] = passed[i] - factor x[i] total[i]
template <class T>
PYDREAM_CLONES void subtract(T* __restrict out, const T* __restrict passed, const T* __restrict x,
                             const T* __restrict total, T factor, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = passed[i] - factor * x[i] * total[i];
}

// A part of the places of an image: a row for each channel, and rows of zeros around.
template <class T>
struct Rows {
    std::ptrdiff_t width, reach;
    std::vector<T> values;

    Rows(std::ptrdiff_t channels, std::ptrdiff_t most, std::ptrdiff_t around)
        : width(most), reach(around), values(static_cast<std::size_t>((channels + 2 * around) * most)) {}

    T* operator[](std::ptrdiff_t channel) { return values.data() + (channel + reach) * width; }
    const T* first_neighbour(std::ptrdiff_t channel) const { return values.data() + channel * width; }
};

// Calls body(image, first place, count) for parts of at most `most` places.
template <class Body>
void in_parts(std::ptrdiff_t begin, std::ptrdiff_t end, std::ptrdiff_t plane, std::ptrdiff_t most, const Body& body) {
    const std::ptrdiff_t parts = (plane + most - 1) / most;
    for (std::ptrdiff_t part = begin; part < end; ++part) {
        const std::ptrdiff_t first = part % parts * most;
        body(part / parts, first, std::min(most, plane - first));
    }
}

}  // namespace

template <class T>
void normalise(T* top, const T* bottom, std::ptrdiff_t n, std::ptrdiff_t channels, std::ptrdiff_t plane,
               const Normalisation<T>& rule, int threads) {
    const std::ptrdiff_t most = std::max<std::ptrdiff_t>(16, block / channels);
    parallel_for(n * ((plane + most - 1) / most), most * channels, threads,
                 [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        Rows<T> squares(channels, most, rule.reach);
        std::vector<T> scale(static_cast<std::size_t>(most)), power(scale);
        in_parts(begin, end, plane, most, [&](std::ptrdiff_t image, std::ptrdiff_t first, std::ptrdiff_t count) {
            const std::ptrdiff_t start = image * channels * plane + first;
            for (std::ptrdiff_t c = 0; c < channels; ++c) square(squares[c], bottom + start + c * plane, count);
            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                add_rows(scale.data(), squares.first_neighbour(c), most, 2 * rule.reach + 1, count);
                raise(scale.data(), power.data(), rule, count);
                multiply(top + start + c * plane, bottom + start + c * plane, power.data(), count);
            }
        });
    });
}

template <class T>
void normalise_back(T* bottom_diff, const T* bottom, const T* diff, std::ptrdiff_t n, std::ptrdiff_t channels,
                    std::ptrdiff_t plane, const Normalisation<T>& rule, int threads) {
    const std::ptrdiff_t most = std::max<std::ptrdiff_t>(16, block / channels);
    const T factor = 2 * rule.alpha * rule.beta;
    parallel_for(n * ((plane + most - 1) / most), 2 * most * channels, threads,
                 [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        Rows<T> squares(channels, most, rule.reach), ratios(channels, most, rule.reach), passed(channels, most, 0);
        std::vector<T> total(static_cast<std::size_t>(most));
        in_parts(begin, end, plane, most, [&](std::ptrdiff_t image, std::ptrdiff_t first, std::ptrdiff_t count) {
            const std::ptrdiff_t start = image * channels * plane + first;
            for (std::ptrdiff_t c = 0; c < channels; ++c) square(squares[c], bottom + start + c * plane, count);
            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                const std::ptrdiff_t at = start + c * plane;
                add_rows(total.data(), squares.first_neighbour(c), most, 2 * rule.reach + 1, count);
                raise(total.data(), passed[c], rule, count);
                divide(passed[c], ratios[c], total.data(), diff + at, bottom + at, count);
            }
            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                const std::ptrdiff_t at = start + c * plane;
                add_rows(total.data(), ratios.first_neighbour(c), most, 2 * rule.reach + 1, count);
                subtract(bottom_diff + at, passed[c], bottom + at, total.data(), factor, count);
            }
        });
    });
}

#define PYDREAM_INSTANTIATE(T)                                                                                       \
    template void normalise(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, const Normalisation<T>&,   \
                            int);                                                                                    \
    template void normalise_back(T*, const T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,             \
                                 const Normalisation<T>&, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
