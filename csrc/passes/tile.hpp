// A tile of a convolution's result: some channels of neighbouring pixels, summed in registers.
//
// The sums of a network's layers round as the machine likes: a fused multiply-add, which pixels of the image side must
// not have, is half the work here. But the order of a sum is always that of the weights, so that a result depends
// neither on threads nor on how it was divided into tiles, and AVX2 and AVX-512 give the same bits.
#pragma once

#include <cstddef>
#include <vector>

namespace pydream {

// Numbers in a line of a cache.
template <class T>
constexpr std::ptrdiff_t cache_line = 64 / static_cast<std::ptrdiff_t>(sizeof(T));

// What a tile is made of. `count` channels of the source, each with `taps` places that a pixel reads, are summed.
template <class T>
struct Tile {
    const T* weights;               // (channels, taps, rows)
    const T* source;                // what the first pixel reads at offset 0; the next pixels follow one by one
    std::ptrdiff_t channels;        // of the source
    std::ptrdiff_t channel_stride;  // from one channel of the source to the next
    std::ptrdiff_t taps;
    const std::ptrdiff_t* offsets;  // of the taps, within a channel of the source
    T* out;                         // (rows, columns) with `stride` between rows
    std::ptrdiff_t stride;
    bool add;           // to what is in `out`
    const T* bias;      // (rows), or null
    bool rectify;       // write 0 where the sum is not above 0
    const T* positive;  // as `out`, or null: write 0 where this is not above 0
    // What the next block will read, brought into the cache meanwhile: so many lines for each channel.
    const T* ahead;
    std::ptrdiff_t ahead_stride;
    int ahead_lines;
};

// The functions that compute tiles with one kind of vector instructions.
template <class T>
struct Tiles {
    static constexpr std::ptrdiff_t most_rows = 8, most_columns = 48;

    const char* name;
    std::ptrdiff_t rows;     // at most
    std::ptrdiff_t columns;  // exactly
    void (*run[most_rows])(const Tile<T>&);  // with 1, 2, ... rows
};

// Returns all tiles that this machine can run, the fastest first.
template <class T>
std::vector<Tiles<T>> runnable_tiles();

// Returns those that the environment's PYDREAM_VECTORS names, else the first. Throws std::invalid_argument for a name
// that is none of theirs.
template <class T>
Tiles<T> chosen_tiles();

}  // namespace pydream
