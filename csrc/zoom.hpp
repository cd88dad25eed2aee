// Order-1, corner-aligned resampling: scipy.ndimage.zoom(image, (1, out_height/in_height, out_width/in_width), order=1)
// bit for bit.
#pragma once

#include <cstddef>

namespace pydream {

// Returns false if there is no memory for some rows of doubles.
template <class T>
[[nodiscard]] bool zoom(T* out,                     // (channels, out_height, out_width), must not overlap in
                        const T* in,                // (channels, in_height, in_width)
                        std::ptrdiff_t channels,    //
                        std::ptrdiff_t in_height,   //
                        std::ptrdiff_t in_width,    //
                        std::ptrdiff_t out_height,  //
                        std::ptrdiff_t out_width,   //
                        int threads);

}  // namespace pydream
