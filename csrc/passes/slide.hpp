// A sum over places around each pixel: both directions of a convolution, brought into one form.
//
// For one channel of the target, at a place q of its grid,
//
//     target[spread * q + phase - shift] = sum over c, t of weight[phase, c, t] * plane[t][c, q + offset[t]]
//     plane[a][c, q] = source[c, split * q + a - lead]                                          0 outside the source
//
// A convolution with strides splits its source: each remainder of the strides is a plane, in which what neighbouring
// pixels read are neighbours. Its gradient spreads: each remainder is a phase of the target, with taps of its own.
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "passes/tile.hpp"

namespace pydream {

using Pair = std::array<std::ptrdiff_t, 2>;  // (vertical, horizontal)

// The shape of some images.
struct Shape {
    std::ptrdiff_t n, channels;
    Pair size;
};

// What happens to a sum before it is written. All but `bias` are images of the target's shape.
template <class T>
struct End {
    bool add = false;             // to what the target holds
    const T* bias = nullptr;      // a number for each channel
    bool rectify = false;         // 0 where it is not above 0, a NaN too
    const T* positive = nullptr;  // 0 where this is not above 0
};

template <class T>
class Slide {
public:
    // Half of a second cache of 1 MiB. From 384 to 640 KiB nothing changed by more than 2 % (2026-11).
    static constexpr std::ptrdiff_t usually_cached = (std::ptrdiff_t{512} << 10) / static_cast<int>(sizeof(T));

    struct Tap {
        std::ptrdiff_t plane;  // an index of `planes`
        Pair offset;           // 0 or more
    };

    struct Phase {
        Pair remainder;
        std::vector<Tap> taps;
        std::vector<T> weights;  // by group, by tile's rows: (channels, taps, rows)
    };

    std::ptrdiff_t group, channels, rows;  // of the source and of the target, in one group
    Pair split, spread;
    std::vector<Pair> planes;  // those remainders of `split` that a tap reads
    std::vector<Phase> phases;
    Tiles<T> tiles;
    std::ptrdiff_t cached;  // numbers of the source that a thread keeps in its processor's own cache

    // Appends a phase; weight(row, channel, tap) returns a weight, of all groups' rows.
    template <class Weight>
    void add_phase(Pair remainder, const std::vector<Tap>& taps, const Weight& weight) {
        Phase phase{remainder, taps, {}};
        const std::ptrdiff_t count = static_cast<std::ptrdiff_t>(taps.size());
        phase.weights.reserve(static_cast<std::size_t>(group * rows * channels * count));
        for (std::ptrdiff_t g = 0; g < group; ++g) {
            for (std::ptrdiff_t row = 0; row < rows; row += tiles.rows) {
                for (std::ptrdiff_t c = 0; c < channels; ++c) {
                    for (std::ptrdiff_t t = 0; t < count; ++t) {
                        for (std::ptrdiff_t r = row; r < row + tiles.rows && r < rows; ++r) {
                            phase.weights.push_back(weight(g * rows + r, c, t));
                        }
                    }
                }
            }
        }
        phases.push_back(std::move(phase));
    }

    void run(T* target, Pair target_size, const T* source, const Shape& source_shape, Pair lead, Pair shift,
             const End<T>& end, int threads) const;
};

}  // namespace pydream
