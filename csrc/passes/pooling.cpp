#include "passes/pooling.hpp"

#include <algorithm>
#include <array>
#include <cstring>
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

#ifdef __GNUC__
template <class T>
struct Lanes {
    typedef T Vector __attribute__((vector_size(32)));
};
#else
template <class T>
struct Lanes {
    using Vector = T;
};
#endif
template <class T>
constexpr std::ptrdiff_t lanes = sizeof(typename Lanes<T>::Vector) / sizeof(T);

// best[x], winner[x] = the largest of tap[x], and which tap that is. Both stay in registers through all taps: with a loop
// for each tap, GCC makes stores behind a branch that random values mispredict, and it takes three times as long.
template <class T, bool tolerant>
PYDREAM_CLONES void scan(T* __restrict best,                // (count,)
                         std::uint8_t* __restrict winner,   // (count,)
                         const T* const* __restrict taps,   // (places, count), `lanes` more are read
                         std::ptrdiff_t places, T tie, std::ptrdiff_t count) {
    using Vector = typename Lanes<T>::Vector;
    for (std::ptrdiff_t x = 0; x < count; x += lanes<T>) {
        Vector most{}, limit{}, won{};  // the place as a T, so that vectors have one width
        for (std::ptrdiff_t place = 0; place < places; ++place) {
            Vector value;
            std::memcpy(&value, taps[place] + x, sizeof value);
            const Vector above = tolerant ? value + tie * (1 + (value < 0 ? -value : value)) : value;
            if (place == 0) {
                most = value;
                limit = above;
                continue;
            }
            const auto wins = value > limit;
            most = wins ? value : most;
            limit = wins ? above : limit;  // and not made of `most`, for which it would have to wait
            won = wins ? Vector{} + static_cast<T>(place) : won;
        }
        const std::ptrdiff_t some = std::min(lanes<T>, count - x);
        T which[lanes<T>];
        std::memcpy(which, &won, sizeof won);
        std::memcpy(best + x, &most, static_cast<std::size_t>(some) * sizeof(T));
        for (std::ptrdiff_t i = 0; i < some; ++i) winner[x + i] = static_cast<std::uint8_t>(which[i]);
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
          values_(static_cast<std::size_t>(phases_ * length_ + lanes<T>), lowest) {}

    // Reads a row, or padding where it is null; until then all is padding.
    void read(const T* row, std::ptrdiff_t width) {
        if (row == read_) return;
        read_ = row;
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
    const T* read_ = nullptr;
    std::vector<T> values_;
};

// The rows that the windows of a row of the top see. Windows that overlap see rows again: those are not read twice.
template <class T>
class Rows {
public:
    Rows(Pair top_size, const Windows& windows, T lowest)
        : rows_(static_cast<std::size_t>(windows.kernel[0]), Row<T>(top_size, windows, lowest)),
          columns_(windows.kernel[1]),
          taps_(static_cast<std::size_t>(windows.kernel[0] * windows.kernel[1])) {}

    // Returns the values of each place of a window, from row `first` of a map on.
    const T* const* read(const T* map, Pair size, std::ptrdiff_t first) {
        const auto kernel = static_cast<std::ptrdiff_t>(rows_.size());
        for (std::ptrdiff_t i = 0; i < kernel; ++i) {
            const std::ptrdiff_t y = first + i;
            Row<T>& row = rows_[static_cast<std::size_t>((y % kernel + kernel) % kernel)];
            row.read(0 <= y && y < size[0] ? map + y * size[1] : nullptr, size[1]);
            for (std::ptrdiff_t j = 0; j < columns_; ++j) {
                taps_[static_cast<std::size_t>(i * columns_ + j)] = row.place(j);
            }
        }
        return taps_.data();
    }

private:
    std::vector<Row<T>> rows_;
    std::ptrdiff_t columns_;
    std::vector<const T*> taps_;
};

}  // namespace

template <class T>
void pool_maximum(T* top, std::uint8_t* winner, Pair top_size, const T* bottom, Pair bottom_size, std::ptrdiff_t maps,
                  const Windows& windows, Maximum<T> rule, int threads) {
    const std::ptrdiff_t height = top_size[0], width = top_size[1];
    parallel_for(maps * height, width * windows.kernel[0] * windows.kernel[1], threads,
                 [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        Rows<T> rows(top_size, windows, rule.lowest);
        const std::ptrdiff_t places = windows.kernel[0] * windows.kernel[1];
        const auto pool = rule.tie > 0 ? scan<T, true> : scan<T, false>;
        for (std::ptrdiff_t index = begin; index < end; ++index) {  // of a row of the top
            const std::ptrdiff_t map = index / height, first = index % height * windows.stride[0] - windows.before[0];
            const T* const* const taps = rows.read(bottom + map * bottom_size[0] * bottom_size[1], bottom_size, first);
            pool(top + index * width, winner + index * width, taps, places, rule.tie, width);
        }
    });
}

template <class T>
void pool_maximum_back(T* bottom, Pair bottom_size, const T* diff, const std::uint8_t* winner, const T* pooled,
                       Pair top_size, std::ptrdiff_t maps, const Windows& windows, int threads) {
    const std::ptrdiff_t height = bottom_size[0], width = bottom_size[1];
    const std::ptrdiff_t plane = height * width, count = top_size[0] * top_size[1];
    std::array<Pair, 256> places;  // of a window; one for each byte, should another thread write to `winner` meanwhile
    for (std::ptrdiff_t i = 0; i < 256; ++i) {
        places[static_cast<std::size_t>(i)] = {i / windows.kernel[1], i % windows.kernel[1]};
    }
    parallel_for(maps, plane + count, threads,
                 [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
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
