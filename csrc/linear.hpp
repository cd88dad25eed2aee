// SciPy's order=1 interpolation, for zoom and affine: where an output reads, with which weights, and in which order the
// products are added.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "memory.hpp"
#include "parallel.hpp"

namespace pydream {

// The neighbour after i, mirrored at the end. Its weight is 0 there, but 0 times NaN or infinity is NaN.
inline std::ptrdiff_t next(std::ptrdiff_t i, std::ptrdiff_t size) {
    return i + 1 < size ? i + 1 : std::max<std::ptrdiff_t>(size - 2, 0);
}

// Whether a coordinate is inside of an axis; NaN is not.
inline bool is_inside(double coordinate, std::ptrdiff_t size) {
    return coordinate >= 0.0 && coordinate <= static_cast<double>(size - 1);
}

// The two neighbours of a coordinate, `first` and the one after it, and their weights.
struct Place {
    std::ptrdiff_t first;
    double weight0, weight1;

    explicit Place(double coordinate)  // 0..size-1
        : first(static_cast<std::ptrdiff_t>(coordinate)),
          weight0(1.0 - (coordinate - static_cast<double>(first))),
          weight1(1.0 - weight0) {}  // not the fraction itself: that differs in the last bit
};

// The same as offsets into the array, along one axis.
struct Taps {
    std::ptrdiff_t at[2];
    double weight[2];

    Taps(const Place& place, std::ptrdiff_t size, std::ptrdiff_t stride)
        : at{place.first * stride, next(place.first, size) * stride}, weight{place.weight0, place.weight1} {}
};

// An output as SciPy computes it, with the products of weight 0 from the next channel. They can be left out where this
// output and the next channel's are finite without them: then all their factors are finite, and a product of 0 or -0
// does not change a sum that began with 0.
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

// The places that the outputs begin..end-1 along one axis read, one for each. The other outputs read outside and are 0.
// It is empty, and `places` false, where there is no memory.
struct Axis {
    std::ptrdiff_t begin, end;
    Buffer<Place> places;

    // coordinate(o) is monotonic, or NaN everywhere.
    template <class Coordinate>
    Axis(std::ptrdiff_t in, std::ptrdiff_t out, const Coordinate& coordinate)
        : begin(first_inside(in, out, coordinate)), end(begin), places(out - begin) {
        if (!places) return;
        for (; end < out && is_inside(coordinate(end), in); ++end) places.data()[end - begin] = Place(coordinate(end));
    }

    [[nodiscard]] bool has(std::ptrdiff_t o) const { return begin <= o && o < end; }
    [[nodiscard]] const Place& of(std::ptrdiff_t o) const { return places.data()[o - begin]; }

private:
    template <class Coordinate>
    static std::ptrdiff_t first_inside(std::ptrdiff_t in, std::ptrdiff_t out, const Coordinate& coordinate) {
        std::ptrdiff_t o = 0;
        while (o < out && !is_inside(coordinate(o), in)) ++o;
        return o;
    }
};

template <class T>
bool all_finite(const T* in,  // (n,)
                std::ptrdiff_t n);

// weighted[i] = in[i] * weight, and after the last one its mirrored neighbour, for `first + 1`
template <class T>
void weigh(double* weighted,        // (n + 1, channels), must not overlap in
           const T* in,             // (n, channels)
           double weight,           //
           std::ptrdiff_t n,        //
           std::ptrdiff_t channels);

// out = row0[i] * weight0 + row0[i + 1] * weight1 + row1[i] * weight0 + row1[i + 1] * weight1, i = first, for each
// channel. Channels is std::ptrdiff_t, or std::integral_constant where the compiler shall know the number.
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

// The outputs xs.begin..xs.end-1 of one row, without the products of weight 0 from the next channel.
template <class T, class Channels>
void blend_row(T* out,                 // (xs.end - xs.begin, channels)
               const T* in,            // (height, width, channels)
               const Place& y,         //
               const Axis& xs,         //
               std::ptrdiff_t height,  //
               std::ptrdiff_t width,   //
               Channels channels,      //
               double* scratch) {      // (2, width + 1, channels)
    const std::ptrdiff_t row = width * channels;
    double *const row0 = scratch, *const row1 = scratch + row + channels;
    weigh(row0, in + y.first * row, y.weight0, width, channels);
    weigh(row1, in + next(y.first, height) * row, y.weight1, width, channels);
    blend(out, row0, row1, xs.places.data(), xs.end - xs.begin, channels);
}

// Makes all rows with make(to, y, scratch, exact): first without the products of weight 0, which show only where they
// multiply a value that is not finite; where an output is not finite, all rows again with them. Returns whether there was
// memory for scratch.
template <class T, class Make>
[[nodiscard]] bool make_rows(T* out,                       // (height, row)
                             std::ptrdiff_t height,        //
                             std::ptrdiff_t row,           //
                             std::ptrdiff_t scratch_size,  // doubles that each thread's `make` can write
                             int threads,                  //
                             const Make& make) {
    std::atomic<bool> finite{true}, memory{true};
    const auto all_rows = [&](bool exact) {
        parallel_for(height, row, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
            Buffer<double> scratch(scratch_size);
            if (!scratch) {
                memory = false;
                return;
            }
            for (std::ptrdiff_t y = begin; y < end; ++y) {
                make(out + y * row, y, scratch.data(), exact);
                if (!exact && !all_finite(out + y * row, row)) finite = false;
            }
        });
    };
    all_rows(false);
    if (memory && !finite) all_rows(true);
    return memory;
}

}  // namespace pydream
