// Whether memory can address an array: the one place that multiplies sizes which are still unchecked.
#pragma once

#include <cstddef>
#include <cstdint>  // PTRDIFF_MAX

namespace pydream {

// Returns the number of elements of an array with these sizes, or 0 if one is below 1 or the array would have more than
// PTRDIFF_MAX bytes.
template <class T>
constexpr std::ptrdiff_t count_of(std::ptrdiff_t channels, std::ptrdiff_t height, std::ptrdiff_t width) {
    constexpr std::ptrdiff_t most = PTRDIFF_MAX / static_cast<std::ptrdiff_t>(sizeof(T));
    if (channels < 1 || height < 1 || width < 1) return 0;
    return channels <= most / height && channels * height <= most / width ? channels * height * width : 0;
}

}  // namespace pydream
