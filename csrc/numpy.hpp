// NumPy arrays as the bindings take and make them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <limits>
#include <vector>

#include "pool.hpp"
#include "python.hpp"

namespace pydream {

namespace py = pybind11;

// T is float or double. As in the stubs, _native.pyi and _kernels.pyi.
template <class T>
using Array = py::array_t<T, py::array::c_style>;

inline void require_aligned(const py::array& array) {
    require((array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0, "expected an aligned array");
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
    T* const block = numbers.give();  // before anything else can throw: it has one owner
    return Array<T>(shape, block, owner);
}

}  // namespace pydream
