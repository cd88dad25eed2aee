#include "passes/pooling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "clones.hpp"
#include "parallel.hpp"

namespace pydream {

namespace {

// phase[x] = row[stride x + first], or lowest outside of the row
template <class T>
PYDREAM_CLONES void take_every(T* __restrict phase, std::ptrdiff_t count, const T* __restrict row,
                               std::ptrdiff_t width, std::ptrdiff_t first, std::ptrdiff_t stride, T lowest) {
    const std::ptrdiff_t begin = first < 0 ? std::min(count, (stride - 1 - first) / stride) : 0;
    const std::ptrdiff_t end = first < width ? std::min(count, (width - first + stride - 1) / stride) : 0;
    std::fill(phase, phase + begin, lowest);
    if (stride == 1) {
        if (begin < end) std::copy(row + (begin + first), row + (end + first), phase + begin);
    } else if (stride == 2) {  // this loop becomes vector shuffles
        for (std::ptrdiff_t x = begin; x < end; ++x) phase[x] = row[2 * x + first];
    } else {
        for (std::ptrdiff_t x = begin; x < end; ++x) phase[x] = row[stride * x + first];
    }
    std::fill(phase + std::max(begin, end), phase + count, lowest);
}

// best[x], winner[x] = tap[x], place where tap[x] wins; the place as a T, so that vectors have one width.
template <class T, bool tolerant>
PYDREAM_CLONES void scan(T* __restrict best, T* __restrict winner, const T* __restrict tap, T place, T tie,
                         std::ptrdiff_t count) {
    for (std::ptrdiff_t x = 0; x < count; ++x) {
        const T old = best[x], value = tap[x];
        const bool wins = value > (tolerant ? old + tie * (1 + std::abs(old)) : old);
        best[x] = wins ? value : old;
        winner[x] = wins ? place : winner[x];
    }
}

// A row of the bottom as its windows see it: the values of each place of a kernel's row, side by side.
template <class T>
class Row {
public:
    Row(Pair top_size, const Windows& windows, T lowest)
        : stride_(windows.stride[1]),
          before_(windows.before[1]),
          phases_(std::min(stride_, windows.kernel[1])),
          length_(top_size[1] + (windows.kernel[1] - 1) / stride_),
          lowest_(lowest),
          values_(static_cast<std::size_t>(phases_ * length_)) {}

    // Reads a row, or padding where it is null.
    void read(const T* row, std::ptrdiff_t width) {
        if (row == nullptr) {
            std::fill(values_.begin(), values_.end(), lowest_);
            return;
        }
        for (std::ptrdiff_t phase = 0; phase < phases_; ++phase) {
            take_every(values_.data() + phase * length_, length_, row, width, phase - before_, stride_, lowest_);
        }
    }

    const T* place(std::ptrdiff_t column) const {
        return values_.data() + column % stride_ * length_ + column / stride_;
    }

private:
    std::ptrdiff_t stride_, before_, phases_, length_;
    T lowest_;
    std::vector<T> values_;
};

template <class T, bool tolerant>
void pool_row(T* best, T* winner, Row<T>& row, const T* bottom, Pair bottom_size, std::ptrdiff_t first,
              std::ptrdiff_t count, const Windows& windows, T tie) {
    std::fill(winner, winner + count, T{0});
    for (std::ptrdiff_t i = 0; i < windows.kernel[0]; ++i) {
        const std::ptrdiff_t y = first + i;
        row.read(0 <= y && y < bottom_size[0] ? bottom + y * bottom_size[1] : nullptr, bottom_size[1]);
        if (i == 0) std::copy(row.place(0), row.place(0) + count, best);  // which then does not win over itself
        for (std::ptrdiff_t j = 0; j < windows.kernel[1]; ++j) {
            scan<T, tolerant>(best, winner, row.place(j), static_cast<T>(i * windows.kernel[1] + j), tie, count);
        }
    }
}

}  // namespace

template <class T>
void pool_maximum(T* top, std::uint8_t* winner, Pair top_size, const T* bottom, Pair bottom_size, std::ptrdiff_t maps,
                  const Windows& windows, Maximum<T> rule, int threads) {
    const auto [height, width] = top_size;
    parallel_for(maps * height, width * windows.kernel[0] * windows.kernel[1], threads,
                 [&, height = height, width = width](std::ptrdiff_t begin, std::ptrdiff_t end) {
        Row<T> row(top_size, windows, rule.lowest);
        std::vector<T> places(static_cast<std::size_t>(width));
        const auto pool = rule.tie > 0 ? pool_row<T, true> : pool_row<T, false>;
        for (std::ptrdiff_t index = begin; index < end; ++index) {  // of a row of the top
            const std::ptrdiff_t map = index / height, first = index % height * windows.stride[0] - windows.before[0];
            pool(top + index * width, places.data(), row, bottom + map * bottom_size[0] * bottom_size[1], bottom_size,
                 first, width, windows, rule.tie);
            std::transform(places.begin(), places.end(), winner + index * width,
                           [](T place) { return static_cast<std::uint8_t>(place); });
        }
    });
}

template <class T>
void pool_maximum_back(T* bottom, Pair bottom_size, const T* diff, const std::uint8_t* winner, const T* pooled,
                       Pair top_size, std::ptrdiff_t maps, const Windows& windows, int threads) {
    const auto [height, width] = bottom_size;
    const std::ptrdiff_t plane = height * width, count = top_size[0] * top_size[1];
    std::array<Pair, 256> places;  // of a window; one for each byte, should another thread write to `winner` meanwhile
    for (std::ptrdiff_t i = 0; i < 256; ++i) {
        places[static_cast<std::size_t>(i)] = {i / windows.kernel[1], i % windows.kernel[1]};
    }
    parallel_for(maps, plane + count, threads,
                 [&, height = height, width = width](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t map = begin; map < end; ++map) {
            T* const to = bottom + map * plane;
            std::fill(to, to + plane, T{0});
            // From the last window to the first a value's shares come in the order of the places it has in them.
            for (std::ptrdiff_t top_y = top_size[0] - 1; top_y >= 0; --top_y) {
                const std::ptrdiff_t above = top_y * windows.stride[0] - windows.before[0];
                for (std::ptrdiff_t top_x = top_size[1] - 1; top_x >= 0; --top_x) {
                    const std::ptrdiff_t index = map * count + top_y * top_size[1] + top_x;
                    if (pooled != nullptr && !(pooled[index] > 0)) continue;
                    const auto [i, j] = places[winner[index]];
                    const std::ptrdiff_t y = above + i, x = top_x * windows.stride[1] - windows.before[1] + j;
                    if (0 <= y && y < height && 0 <= x && x < width) to[y * width + x] += diff[index];
                }
            }
        }
    });
}

#define PYDREAM_INSTANTIATE(T)                                                                                        \
    template void pool_maximum(T*, std::uint8_t*, Pair, const T*, Pair, std::ptrdiff_t, const Windows&, Maximum<T>,   \
                               int);                                                                                  \
    template void pool_maximum_back(T*, Pair, const T*, const std::uint8_t*, const T*, Pair, std::ptrdiff_t,          \
                                    const Windows&, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
