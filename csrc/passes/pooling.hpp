// Max pooling of maps, and its gradient.
#pragma once

#include <cstddef>
#include <cstdint>

#include "passes/slide.hpp"

namespace pydream {

// What stands for the padding, and how much more than the best so far a value must be: `tie` (1 + |best|), or 0.
template <class T>
struct Maximum {
    T lowest, tie;
};

// How windows lie over a map: `before` is the padding above and to the left. A window has at most 256 places.
struct Windows {
    Pair kernel, stride, before;
};

// Writes the largest value of each window and which place of it that is, row by row:
//
//     best = v where v > best + tie (1 + |best|), for each place's v in turn
template <class T>
void pool_maximum(T* top,                 // (maps, *top_size)
                  std::uint8_t* winner,   // the same
                  Pair top_size,          //
                  const T* bottom,        // (maps, *bottom_size)
                  Pair bottom_size,       //
                  std::ptrdiff_t maps, const Windows& windows, Maximum<T> rule, int threads);

// Writes the gradient at the bottom: where a place won, the gradients of its windows add up, from the last to the
// first. With `pooled`, the top of a pooling of rectified values, a window whose largest is not above 0 has none.
template <class T>
void pool_maximum_back(T* bottom,                   // (maps, *bottom_size)
                       Pair bottom_size,            //
                       const T* diff,               // (maps, *top_size)
                       const std::uint8_t* winner,  // the same
                       const T* pooled,             // the same, or null
                       Pair top_size, std::ptrdiff_t maps, const Windows& windows, int threads);

}  // namespace pydream
