#include "roll.hpp"

#include <cstring>

#include "clones.hpp"
#include "parallel.hpp"

namespace pydream {

namespace {

// out[x] = in[x], in copies of a fixed size, for which the compiler has vectors and does not call memcpy: with rows of
// some KB that are not in a cache, a roll takes 0.8 of its time (2026-11).
template <class T>
PYDREAM_CLONES void copy_row(T* __restrict out,       // (n,)
                             const T* __restrict in,  // (n,)
                             std::ptrdiff_t n) {
    constexpr std::ptrdiff_t some = 64 / sizeof(T);
    std::ptrdiff_t x = 0;
    for (; x + some <= n; x += some) std::memcpy(out + x, in + x, 64);
    for (; x < n; ++x) out[x] = in[x];
}

// out[x, c] = in[c, x]
template <class T>
PYDREAM_CLONES void interleave(T* __restrict out,        // (n, channels)
                               const T* __restrict in,   // (channels, n), its rows `plane` apart
                               std::ptrdiff_t plane,     //
                               std::ptrdiff_t channels,  //
                               std::ptrdiff_t n) {
    if (channels == 3) {  // three rows at once: this loop becomes vector shuffles
        const T *const in0 = in, *const in1 = in + plane, *const in2 = in + 2 * plane;
        for (std::ptrdiff_t x = 0; x < n; ++x) {
            out[3 * x] = in0[x];
            out[3 * x + 1] = in1[x];
            out[3 * x + 2] = in2[x];
        }
        return;
    }
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t x = 0; x < n; ++x) out[x * channels + c] = in[c * plane + x];
    }
}

}  // namespace

template <class T>
void roll(T* out, const T* in, std::ptrdiff_t channels, std::ptrdiff_t height, std::ptrdiff_t width,
          std::ptrdiff_t ox, std::ptrdiff_t oy, int threads) {
    const auto run = [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t row = begin; row < end; ++row) {  // of out, through all channels
            const std::ptrdiff_t y = row % height;
            const T* const from = in + (row - y + (y < oy ? y - oy + height : y - oy)) * width;
            T* const to = out + row * width;
            copy_row(to + ox, from, width - ox);
            copy_row(to, from + (width - ox), ox);
        }
    };
    parallel_for(channels * height, width, threads, run, worth_moving);
}

template <class T>
void roll_channels_last(T* out, const T* in, std::ptrdiff_t channels, std::ptrdiff_t height,
                        std::ptrdiff_t width, std::ptrdiff_t ox, std::ptrdiff_t oy, int threads) {
    const std::ptrdiff_t plane = height * width;
    const auto run = [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t y = begin; y < end; ++y) {  // of out
            const T* const from = in + (y < oy ? y - oy + height : y - oy) * width;
            T* const to = out + y * width * channels;
            interleave(to + ox * channels, from, plane, channels, width - ox);
            interleave(to, from + (width - ox), plane, channels, ox);
        }
    };
    parallel_for(height, channels * width, threads, run, worth_moving);
}

#define PYDREAM_INSTANTIATE(T)                                                                       \
    template void roll(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, \
                       std::ptrdiff_t, int);                                                         \
    template void roll_channels_last(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,   \
                                     std::ptrdiff_t, std::ptrdiff_t, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
