// NumPy arrays as the bindings of the passes take them.
#pragma once

#include <cstddef>
#include <functional>

#include "numpy.hpp"
#include "passes/slide.hpp"

namespace pydream {

constexpr std::ptrdiff_t most_rows = std::ptrdiff_t{1} << 24;  // rows, strides, ...: sums of products of two fit

// Throws where `out` is written while what lies in the same memory is still read. Both are contiguous.
inline void require_apart(const py::array& out, const py::array& read) {
    const auto begin = [](const py::array& array) { return static_cast<const char*>(array.data()); };
    const std::less_equal<const char*> before;
    require(before(begin(out) + out.nbytes(), begin(read)) || before(begin(read) + read.nbytes(), begin(out)),
            "expected an out that shares no memory with what is read");
}

inline Shape shape_of(const py::array& array) {
    require(array.ndim() == 4 && array.size() > 0, "expected four axes, none of size 0");
    require_aligned(array);
    const Shape shape{array.shape(0), array.shape(1), {array.shape(2), array.shape(3)}};
    require(shape.size[0] <= most_rows && shape.size[1] <= most_rows, "expected at most 2^24 rows and columns");
    return shape;
}

}  // namespace pydream
