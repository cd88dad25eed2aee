// Circular shift of an image, alone or together with the change to the network's layout.
#pragma once

#include <cstddef>

namespace pydream {

// out[c, (y + oy) % height, (x + ox) % width] = in[c, y, x]
template <class T>
void roll(T* out,                   // (channels, height, width), must not overlap in
          const T* in,              // (channels, height, width)
          std::ptrdiff_t channels,  //
          std::ptrdiff_t height,    //
          std::ptrdiff_t width,     //
          std::ptrdiff_t ox,        // 0..width-1
          std::ptrdiff_t oy,        // 0..height-1
          int threads);

// out[(y + oy) % height, (x + ox) % width, c] = in[c, y, x]
template <class T>
void roll_channels_last(T* out,                   // (height, width, channels), must not overlap in
                        const T* in,              // (channels, height, width)
                        std::ptrdiff_t channels,  //
                        std::ptrdiff_t height,    //
                        std::ptrdiff_t width,     //
                        std::ptrdiff_t ox,        // 0..width-1
                        std::ptrdiff_t oy,        // 0..height-1
                        int threads);

}  // namespace pydream
