// Local response normalisation over channels, and its gradient.
#pragma once

#include <cstddef>

namespace pydream {

// y = x s^-beta, s = k + alpha sum x^2 over the channels at most `reach` away
template <class T>
struct Normalisation {
    T k, alpha, beta;
    std::ptrdiff_t reach;
};

template <class T>
void normalise(T* top,           // (n, channels, plane)
               const T* bottom,  // the same
               std::ptrdiff_t n, std::ptrdiff_t channels, std::ptrdiff_t plane, const Normalisation<T>& rule,
               int threads);

// dx = dy s^-beta - 2 alpha beta x sum over the same channels of dy y / s
template <class T>
void normalise_back(T* bottom_diff,   // (n, channels, plane)
                    const T* bottom,  // the same: s is computed again, which takes less than reading it would
                    const T* diff,    // the same
                    std::ptrdiff_t n, std::ptrdiff_t channels, std::ptrdiff_t plane, const Normalisation<T>& rule,
                    int threads);

}  // namespace pydream
