// NumPy arrays as the bindings take and make them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

#include "passes/pool.hpp"
#include "passes/slide.hpp"
#include "python.hpp"

namespace pydream {

namespace py = pybind11;

// T is float or double. As in _kernels.pyi.
template <class T>
using Array = py::array_t<T, py::array::c_style>;

constexpr std::ptrdiff_t most_rows = std::ptrdiff_t{1} << 24;  // rows, strides, ...: sums of products of two fit

inline void require_aligned(const py::array& array) {
    require((array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0, "expected an aligned array");
}

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

// Returns an uninitialized array in memory of the pool.
template <class T>
Array<T> empty(const std::vector<std::ptrdiff_t>& shape) {
    std::ptrdiff_t count = 1;
    for (const std::ptrdiff_t size : shape) {
        require(size >= 0, "expected sizes of at least 0");
        const std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max() / static_cast<std::ptrdiff_t>(sizeof(T));
        require(size == 0 || count <= most / size, "expected an array that fits into memory");
        count *= size;
    }
    Scratch<T> numbers(static_cast<std::size_t>(count));
    const py::capsule owner(numbers.data(), [](void* block) { pool::release(block); });
    return Array<T>(shape, numbers.give(), owner);
}

}  // namespace pydream
