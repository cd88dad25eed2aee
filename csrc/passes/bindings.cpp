// The Python module pydream.runtime.on_native._kernels: a network's passes for NumPy arrays.
//
// Each function checks what its arrays are, and runs without the GIL.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>  // std::array, std::optional

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>

#include "parallel.hpp"
#include "passes/convolution.hpp"

namespace py = pybind11;

namespace {

using pydream::Convolution;
using pydream::Pair;
using pydream::Shape;

// T is float or double. As in _kernels.pyi.
template <class T>
using Array = py::array_t<T, py::array::c_style>;

constexpr std::ptrdiff_t most = std::ptrdiff_t{1} << 30;  // of a size, a stride, ...: sums of products of two fit

void require(bool condition, const char* text) {
    if (!condition) throw std::invalid_argument(text);
}

void require_sizes(const Pair& pair, const char* text) {
    for (const std::ptrdiff_t size : pair) require(1 <= size && size <= most, text);
}

template <class T>
Shape shape_of(const Array<T>& array) {
    require(array.ndim() == 4 && array.size() > 0, "expected four axes, none of size 0");
    require((array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0, "expected an aligned array");
    const Shape shape{array.shape(0), array.shape(1), {array.shape(2), array.shape(3)}};
    require_sizes(shape.size, "expected at most 2^30 rows and columns");
    return shape;
}

// Returns an uninitialized array. pybind11 multiplies its sizes unchecked.
template <class T>
Array<T> empty(const Shape& shape) {
    std::ptrdiff_t left = std::numeric_limits<std::ptrdiff_t>::max() / static_cast<std::ptrdiff_t>(sizeof(T));
    for (const std::ptrdiff_t size : {shape.n, shape.channels, shape.size[0], shape.size[1]}) left /= size;
    require(left > 0, "expected an array that fits into memory");
    return Array<T>({shape.n, shape.channels, shape.size[0], shape.size[1]});
}

template <class T>
Convolution<T> make(const Array<T>& kernel, const Pair& stride, const Pair& dilation, std::ptrdiff_t group) {
    const Shape shape = shape_of(kernel);
    require_sizes(stride, "expected strides from 1 to 2^30");
    require_sizes(dilation, "expected dilations from 1 to 2^30");
    require(group >= 1 && shape.n % group == 0, "expected as many groups as divide the output channels");
    return {kernel.data(), shape.n, shape.channels, shape.size, stride, dilation, group};
}

void require_placed(const Pair& before, const Pair& size) {
    for (const std::ptrdiff_t rows : before) require(-most <= rows && rows <= most, "expected a padding within 2^30");
    require_sizes(size, "expected a size from 1 to 2^30");
}

template <class T>
Array<T> forward(const Convolution<T>& convolution, const Array<T>& x, const Pair& before, const Pair& size,
                 const std::optional<Array<T>>& bias, bool rectify) {
    const Shape bottom = shape_of(x);
    require(bottom.channels == convolution.inputs(), "expected another number of channels");
    require_placed(before, size);
    require(!bias || (bias->ndim() == 1 && bias->size() == convolution.outputs()), "expected a bias for each output");
    Array<T> out = empty<T>({bottom.n, convolution.outputs(), size});
    T* const top = out.mutable_data();
    const T *const values = x.data(), *const offsets = bias ? bias->data() : nullptr;
    const int threads = pydream::thread_count();  // reads the environment, so under the GIL
    const py::gil_scoped_release release;
    convolution.forward(top, size, values, bottom, before, offsets, rectify, threads);
    return out;
}

template <class T>
Array<T> backward(const Convolution<T>& convolution, const Array<T>& diff, const Pair& before, const Pair& size) {
    const Shape top = shape_of(diff);
    require(top.channels == convolution.outputs(), "expected another number of channels");
    require_placed(before, size);
    Array<T> out = empty<T>({top.n, convolution.inputs(), size});
    T* const bottom = out.mutable_data();
    const T* const values = diff.data();
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    convolution.backward(bottom, size, values, top, before, threads);
    return out;
}

// noconvert: another dtype is an error, not a copy.
template <class T>
void define(py::module_& m, const char* name) {
    const auto before = py::arg("before"), size = py::arg("size");
    py::class_<Convolution<T>>(m, name)
        .def("forward", &forward<T>, py::arg("x").noconvert(), before, size,
             py::arg("bias").noconvert() = py::none(), py::arg("rectify") = false)
        .def("backward", &backward<T>, py::arg("diff").noconvert(), before, size);
    m.def("convolution", &make<T>, py::arg("kernel").noconvert(), py::arg("stride"), py::arg("dilation"),
          py::arg("group"));
}

}  // namespace

PYBIND11_MODULE(_kernels, m) {
    m.doc() = "A network's passes in C++.";
    define<float>(m, "Convolution32");
    define<double>(m, "Convolution64");
}
