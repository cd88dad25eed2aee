// What SciPy's order=1 interpolation is made of, for zoom and affine: where an output reads, with which weights, and
// what is added up in which order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace pydream {

// The neighbour after i, mirrored at the end: it has weight 0 there, but 0 times NaN or infinity is NaN.
inline std::ptrdiff_t next(std::ptrdiff_t i, std::ptrdiff_t size) {
    return i + 1 < size ? i + 1 : std::max<std::ptrdiff_t>(size - 2, 0);
}

// Between which two neighbours a coordinate is, and their weights.
struct Place {
    std::ptrdiff_t first;
    double weight0, weight1;

    explicit Place(double coordinate)  // 0..size-1
        : first(static_cast<std::ptrdiff_t>(coordinate)),
          weight0(1.0 - (coordinate - static_cast<double>(first))),
          weight1(1.0 - weight0) {}  // not the fraction itself: that differs in the last bit
};

// The same as what to read along one axis: two offsets into the array.
struct Taps {
    std::ptrdiff_t at[2];
    double weight[2];

    Taps(const Place& place, std::ptrdiff_t size, std::ptrdiff_t stride)
        : at{place.first * stride, next(place.first, size) * stride}, weight{place.weight0, place.weight1} {}
};

// An output as SciPy computes it, with the products of weight 0 too, which an output that is finite without them can
// do without: where the next channel's output is finite as well, all that they multiply is, and a product of 0 or -0
// changes no sum that began with 0.
template <class T>
T sum_of_products(const T* in, const Taps& y, const Taps& x, const Taps& channel) {
    double sum = 0.0;  // and not the first product, which may be -0
    for (int j = 0; j < 2; ++j) {
        for (int i = 0; i < 2; ++i) {
            for (int c = 0; c < 2; ++c) {
                const auto value = static_cast<double>(in[y.at[j] + x.at[i] + channel.at[c]]);
                sum += value * y.weight[j] * x.weight[i] * channel.weight[c];
            }
        }
    }
    return static_cast<T>(sum);
}

// Where the outputs begin..end-1 along one axis read, each place for one of them. The others read outside, which is 0.
struct Axis {
    std::ptrdiff_t begin = 0, end = 0;
    std::vector<Place> places;

    // coordinate(o) goes up or down all the way, or is NaN everywhere.
    template <class Coordinate>
    Axis(std::ptrdiff_t in, std::ptrdiff_t out, const Coordinate& coordinate) {
        const auto last = static_cast<double>(in - 1);
        const auto inside = [&](std::ptrdiff_t o) { return coordinate(o) >= 0.0 && coordinate(o) <= last; };
        while (begin < out && !inside(begin)) ++begin;
        places.reserve(static_cast<std::size_t>(out - begin));
        for (end = begin; end < out && inside(end); ++end) places.emplace_back(coordinate(end));
    }

    [[nodiscard]] bool has(std::ptrdiff_t o) const { return begin <= o && o < end; }
    [[nodiscard]] const Place& of(std::ptrdiff_t o) const { return places[static_cast<std::size_t>(o - begin)]; }
};

template <class T>
bool all_finite(const T* in,  // (n,)
                std::ptrdiff_t n);

// weighted[i] = in[i] * weight, with the mirrored neighbour behind the last for `first + 1`
template <class T>
void weigh(double* weighted,        // (n + 1, channels), must not overlap in
           const T* in,             // (n, channels)
           double weight,           //
           std::ptrdiff_t n,        //
           std::ptrdiff_t channels);

}  // namespace pydream
