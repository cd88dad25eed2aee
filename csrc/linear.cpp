#include "linear.hpp"

#include <cmath>
#include <limits>

#include "clones.hpp"

namespace pydream {

// Local, because clones with external linkage would be visible outside of a shared library.
namespace {

template <class T>
PYDREAM_CLONES bool none_is_bad(const T* in, std::ptrdiff_t n) {
    constexpr T largest = std::numeric_limits<T>::max();
    int bad = 0;
    for (std::ptrdiff_t i = 0; i < n; ++i) bad |= !(std::abs(in[i]) <= largest);
    return bad == 0;
}

template <class T>
PYDREAM_CLONES void multiply(double* __restrict out, const T* __restrict in, double by, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = static_cast<double>(in[i]) * by;
}

}  // namespace

template <class T>
bool all_finite(const T* in, std::ptrdiff_t n) {
    return none_is_bad(in, n);
}

template <class T>
void weigh(double* weighted, const T* in, double weight, std::ptrdiff_t n, std::ptrdiff_t channels) {
    multiply(weighted, in, weight, n * channels);
    std::copy_n(weighted + next(n - 1, n) * channels, channels, weighted + n * channels);
}

#define PYDREAM_INSTANTIATE(T)                          \
    template bool all_finite(const T*, std::ptrdiff_t); \
    template void weigh(double*, const T*, double, std::ptrdiff_t, std::ptrdiff_t);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
