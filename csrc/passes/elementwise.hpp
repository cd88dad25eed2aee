// Passes over memory: value by value.
#pragma once

#include <cstddef>
#include <vector>

namespace pydream {

// out = values where x > 0, else slope values; with a slope of 0 these are 0. `values` may be x.
template <class T>
void rectify(T* out, const T* x, const T* values, std::ptrdiff_t count, T slope, int threads);

// out = terms[0] + terms[1] + ..., added in this order
template <class T>
void add_up(T* out, const std::vector<const T*>& terms, std::ptrdiff_t count, int threads);

// Writes arrays (n, lengths[i]) side by side, (n, sum of lengths).
template <class T>
void join(T* out, const std::vector<const T*>& parts, const std::vector<std::ptrdiff_t>& lengths, std::ptrdiff_t n,
          int threads);

}  // namespace pydream
