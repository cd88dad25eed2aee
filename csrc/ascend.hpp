// The ascent of a step: mean|g|, x <- x + step_size / mean|g| * g, unroll, clip.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace pydream {

// mean <- mean|g|, summed in NumPy's order, pairwise within blocks and block after block, and so equal to
// np.abs(g).mean() bit for bit, for any number of threads. Returns false if there is no memory for partial sums.
template <class T>
[[nodiscard]] bool mean_abs(T* mean,               // one, written
                            const T* g,            // (n,)
                            std::ptrdiff_t n,      // at least 1
                            std::ptrdiff_t block,  // elements that NumPy sums pairwise at a time, at least 1
                            int threads);

// The same for a channels-last gradient, summed in (channels, pixels) order.
template <class T>
[[nodiscard]] bool mean_abs_channels_last(T* mean,                  // one, written
                                          const T* g,               // (pixels, channels)
                                          std::ptrdiff_t channels,  //
                                          std::ptrdiff_t pixels,    //
                                          std::ptrdiff_t block,     //
                                          int threads);

// Returns step_size / mean in T; the step size is rounded to T before, as in NumPy 2.
template <class T>
T rate_of(double step_size, T mean) {
    return static_cast<T>(step_size) / mean;
}

// Returns whether a step can be normalised by this mean: mean is positive and finite, and step_size / mean is finite.
// Otherwise pixels would become NaN; callers leave the picture unchanged and report the mean.
template <class T>
bool can_ascend(double step_size, T mean) {
    constexpr T largest = std::numeric_limits<T>::max();
    return mean > 0 && mean <= largest && std::abs(rate_of(step_size, mean)) <= largest;
}

// x <- x + rate * g, the product rounded before it is added
template <class T>
void ascend(T* x,              // (n,)
            const T* g,        // (n,), must not overlap x
            std::ptrdiff_t n,  //
            T rate,            //
            int threads);

// x <- min(max(x, low), high) as np.clip: NaN stays NaN, a NaN bound makes the channel NaN, and where low is above high
// the result is high
template <class T>
void clip(T* x,                     // (channels, pixels)
          const T* low,             // (channels,), must not overlap x
          const T* high,            // (channels,), must not overlap x
          std::ptrdiff_t channels,  //
          std::ptrdiff_t pixels,    //
          int threads);

// x <- clip(x + rate * unrolled g), where unrolled g[c, y, x] = g[c, (y + oy) % height, (x + ox) % width]
template <class T>
void ascend_rolled(T* x,        // (channels, height, width)
                   const T* g,  // (channels, height, width) or (height, width, channels), must not overlap x
                   bool channels_last,       // whether g is (height, width, channels)
                   std::ptrdiff_t channels,  //
                   std::ptrdiff_t height,    //
                   std::ptrdiff_t width,     //
                   std::ptrdiff_t ox,        // 0..width-1
                   std::ptrdiff_t oy,        // 0..height-1
                   T rate,                   //
                   const T* low,             // (channels,) or null for no clip
                   const T* high,            // (channels,) or null if low is
                   int threads);

}  // namespace pydream
