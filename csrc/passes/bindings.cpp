// The Python module pydream.runtime.on_native._kernels: a network's passes for NumPy arrays.
//
// Each function checks what its arrays are, and runs without the GIL.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>  // std::array, std::optional, std::vector

#include <cstring>
#include <memory>
#include <new>
#include <optional>

#include "parallel.hpp"
#include "passes/arrays.hpp"
#include "passes/convolution.hpp"
#include "passes/maps.hpp"

namespace {

using namespace pydream;

template <class T>
using Optional = std::optional<Array<T>>;

void require_pair(const Pair& pair, std::ptrdiff_t least, const char* text) {
    for (const std::ptrdiff_t size : pair) require(least <= size && size <= most_rows, text);
}

// Its memory begins as zeros: what Python's __new__ makes alone was never constructed, but has no channels.
template <class T>
class Zeroed : public Convolution<T> {
public:
    using Convolution<T>::Convolution;
    static void* operator new(std::size_t bytes) { return std::memset(::operator new(bytes), 0, bytes); }
};

template <class T>
std::unique_ptr<Zeroed<T>> make(const Array<T>& kernel, const Pair& stride, const Pair& dilation,
                                     std::ptrdiff_t group) {
    const Shape shape = shape_of(kernel);
    require_pair(stride, 1, "expected strides from 1 to 2^24");
    require_pair(dilation, 1, "expected dilations from 1 to 2^24");
    require(dilation[0] * (shape.size[0] - 1) < most_rows && dilation[1] * (shape.size[1] - 1) < most_rows,
            "expected a kernel that reaches over at most 2^24 rows and columns");
    require(stride[0] * stride[1] <= most_rows, "expected a product of the strides of at most 2^24");
    require(group >= 1 && shape.n % group == 0, "expected a number of groups that divides the output channels");
    return std::make_unique<Zeroed<T>>(kernel.data(), shape.n, shape.channels, shape.size, stride, dilation, group);
}

// The array that a function writes: a given one or a new one.
template <class T>
Array<T> target(Optional<T>& out, const Shape& shape, bool add) {
    if (!out) {
        require(!add, "expected an array to add to");
        return empty<T>({shape.n, shape.channels, shape.size[0], shape.size[1]});
    }
    const Shape given = shape_of(*out);
    require(given.n == shape.n && given.channels == shape.channels && given.size == shape.size,
            "expected an out of the result's shape");
    return *out;
}

template <class T>
Array<T> forward(const Zeroed<T>& convolution, const Array<T>& x, const Pair& before, const Pair& size,
                 const Optional<T>& bias, bool rectify, Optional<T> out, bool add) {
    const Shape bottom = shape_of(x);
    require(bottom.channels == convolution.inputs(), "expected another number of channels");
    require_pair(before, -most_rows, "expected a padding within 2^24");
    require_pair(size, 1, "expected a size from 1 to 2^24");
    End<T> end;
    end.add = add;
    end.rectify = rectify;
    if (bias) {
        require(bias->ndim() == 1 && bias->size() == convolution.outputs(), "expected a bias for each output");
        require_aligned(*bias);
        end.bias = bias->data();
    }
    Array<T> made = target(out, {bottom.n, convolution.outputs(), size}, add);
    require_apart(made, x);
    if (bias) require_apart(made, *bias);
    T* const top = made.mutable_data();  // throws where the array is read-only
    const T* const values = x.data();
    const int threads = thread_count();  // reads the environment, so under the GIL
    {
        const py::gil_scoped_release release;
        convolution.forward(top, size, values, bottom, before, end, threads);
    }
    return made;
}

template <class T>
Array<T> backward(const Zeroed<T>& convolution, const Array<T>& diff, const Pair& before, const Pair& size,
                  const Optional<T>& positive, Optional<T> out, bool add) {
    const Shape top = shape_of(diff);
    require(top.channels == convolution.outputs(), "expected another number of channels");
    require_pair(before, -most_rows, "expected a padding within 2^24");
    require_pair(size, 1, "expected a size from 1 to 2^24");
    const Shape bottom{top.n, convolution.inputs(), size};
    End<T> end;
    end.add = add;
    if (positive) {
        const Shape given = shape_of(*positive);
        require(given.n == bottom.n && given.channels == bottom.channels && given.size == bottom.size,
                "expected a positive of the result's shape");
        end.positive = positive->data();
    }
    Array<T> made = target(out, bottom, add);
    require_apart(made, diff);
    if (positive) require_apart(made, *positive);
    T* const gradient = made.mutable_data();
    const T* const values = diff.data();
    const int threads = thread_count();
    {
        const py::gil_scoped_release release;
        convolution.backward(gradient, size, values, top, before, end, threads);
    }
    return made;
}

// noconvert: another dtype is an error, not a copy.
template <class T>
void define(py::module_& m, const char* name) {
    const auto before = py::arg("before"), size = py::arg("size");
    const auto out = py::arg("out").noconvert() = py::none(), add = py::arg("add") = false;
    py::class_<Zeroed<T>>(m, name)
        .def("forward", &forward<T>, py::arg("x").noconvert(), before, size,
             py::arg("bias").noconvert() = py::none(), py::arg("rectify") = false, out, add)
        .def("backward", &backward<T>, py::arg("diff").noconvert(), before, size,
             py::arg("positive").noconvert() = py::none(), out, add);
    m.def("convolution", &make<T>, py::arg("kernel").noconvert(), py::arg("stride"), py::arg("dilation"),
          py::arg("group"));
}

py::array empty_array(const std::vector<std::ptrdiff_t>& shape, const py::dtype& dtype) {
    if (dtype.is(py::dtype::of<double>())) return empty<double>(shape);
    require(dtype.is(py::dtype::of<float>()), "expected float32 or float64");
    return empty<float>(shape);
}

}  // namespace

PYBIND11_MODULE(_kernels, m) {  // NOT COUNTED: pybind11's own checks of Python
    m.doc() = "A network's passes in C++.";
    define<float>(m, "Convolution32");
    define<double>(m, "Convolution64");
    m.def("empty", &empty_array, py::arg("shape"), py::arg("dtype"));
    m.def("clear_pool", &pool::clear);
    m.def("pool_bytes", [] { return py::make_tuple(pool::used(), pool::kept()); });
    define_maps(m);
}
