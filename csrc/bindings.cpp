// The Python module pydream.imageops._native: pydream.h for NumPy arrays.
//
// Each function takes pointers and sizes from its arrays, calls a function of pydream.h without the GIL, and throws if
// the status is an error. Only what a pointer does not show is checked here: the number of axes, alignment, and that
// the sizes of two arrays agree. native_ops.py calls the module after its own checks, whose errors name the argument.
#include <pybind11/stl.h>  // std::optional

#include <array>
#include <cmath>
#include <cstddef>
#include <new>
#include <optional>
#include <stdexcept>
#include <type_traits>

#include "numpy.hpp"
#include "pydream.h"
#include "python.hpp"
#include "sizes.hpp"

namespace {

namespace py = pybind11;
using pydream::Array;
using pydream::require;

// As in _native.pyi.
template <class T>
using Image = Array<T>;  // (C, H, W)
template <class T>
using Tensor = Array<T>;  // (1, H, W, C) with channels_last, else (1, C, H, W)
template <class T>
using Bounds = Array<T>;  // (C, 1, 1)
template <class T>
using Frame = Array<T>;  // (H, W, C)
using Numbers = Array<double>;

std::array<std::ptrdiff_t, 3> sizes_of(const py::array& array) {
    require(array.ndim() == 3 && array.size() > 0, "expected three axes, none of size 0");
    return {array.shape(0), array.shape(1), array.shape(2)};
}

void require_within(std::ptrdiff_t ox, std::ptrdiff_t width, std::ptrdiff_t oy, std::ptrdiff_t height) {
    require(0 <= ox && ox < width && 0 <= oy && oy < height, "expected a shift within the image");
}

template <class T>
const T* elements(const Array<T>& array, std::ptrdiff_t count) {
    require(array.size() == count, "expected another number of elements");
    pydream::require_aligned(array);
    return array.data();
}

template <class T>
T* writable_elements(Array<T>& array) {
    elements(array, array.size());
    return array.mutable_data();  // throws where the array is read-only
}

// Returns a new tensor, uninitialized. Each step makes one and drops the last one's, whose memory is used again: fresh
// memory costs a page fault for each 4 KiB, and what the C library gives back to the system depends on all else that
// the process allocates. As long as anything has the array, its memory is used by no other.
template <class T>
Tensor<T> new_tensor(const std::array<std::ptrdiff_t, 4>& shape) {
    // Smaller ones malloc uses again by itself; larger ones are not kept for those that may never come.
    constexpr std::ptrdiff_t least = 1 << 17, most = 1 << 25;
    const auto bytes = shape[1] * shape[2] * shape[3] * static_cast<std::ptrdiff_t>(sizeof(T));
    if (bytes < least || bytes > most) return Tensor<T>(shape);
    return pydream::empty<T>({shape.begin(), shape.end()});
}

// PYDREAM_FUNCTION(T, roll) is pydream_roll_f32 or pydream_roll_f64.
#define PYDREAM_FUNCTION(T, name) choose<T>(pydream_##name##_f32, pydream_##name##_f64)
template <class T, class F32, class F64>
constexpr auto choose(F32 f32, F64 f64) {
    if constexpr (std::is_same_v<T, float>) {
        return f32;
    } else {
        return f64;
    }
}

// Calls a function of pydream.h on thread_count() threads. Returns PYDREAM_OK or PYDREAM_NO_STEP.
template <class Function, class... Arguments>
pydream_status call(Function function, Arguments... arguments) {
    const int threads = pydream::thread_count();  // reads the environment, so under the GIL
    pydream_status status = PYDREAM_OK;
    {
        const py::gil_scoped_release release;
        status = function(arguments..., threads);
    }
    switch (status) {
        case PYDREAM_OK:
        case PYDREAM_NO_STEP:
            return status;
        case PYDREAM_NO_MEMORY:
            throw std::bad_alloc();
        default:
            throw std::invalid_argument(pydream_status_text(status));
    }
}

template <class T>
Image<T> roll(const Image<T>& image, std::ptrdiff_t ox, std::ptrdiff_t oy) {
    const auto [channels, height, width] = sizes_of(image);
    require_within(ox, width, oy, height);
    Image<T> out({channels, height, width});
    call(PYDREAM_FUNCTION(T, roll), out.mutable_data(), elements(image, image.size()), channels, height, width, ox, oy);
    return out;
}

template <class T>
Image<T> zoom(const Image<T>& image, std::ptrdiff_t out_height, std::ptrdiff_t out_width) {
    const auto [channels, height, width] = sizes_of(image);
    // pydream.h would refuse these, but `out` comes first, and pybind11 multiplies its sizes unchecked.
    require(pydream::count_of<T>(channels, out_height, out_width) > 0, pydream_status_text(PYDREAM_BAD_SIZE));
    Image<T> out({channels, out_height, out_width});
    call(PYDREAM_FUNCTION(T, zoom), out.mutable_data(), elements(image, image.size()), channels, height, width,
         out_height, out_width);
    return out;
}

template <class T, class Function>
Frame<T> move(Function function, const Frame<T>& frame, const Numbers& matrix, const Numbers& offset,
              bool offset_first) {
    const auto [height, width, channels] = sizes_of(frame);
    const bool diagonal = matrix.size() == 2;
    Frame<T> out({height, width, channels});
    call(function, out.mutable_data(), elements(frame, frame.size()), height, width, channels,
         elements(matrix, diagonal ? 2 : 4), diagonal, elements(offset, 2), offset_first);
    return out;
}

template <class T>
Frame<T> affine_transform(const Frame<T>& frame, const Numbers& matrix, const Numbers& offset, bool offset_first) {
    return move(PYDREAM_FUNCTION(T, affine_transform), frame, matrix, offset, offset_first);
}

template <class T>
Frame<T> affine_transform_adjoint(const Frame<T>& frame, const Numbers& matrix, const Numbers& offset,
                                  bool offset_first) {
    return move(PYDREAM_FUNCTION(T, affine_transform_adjoint), frame, matrix, offset, offset_first);
}

template <class T>
double mean_abs(const Image<T>& gradient, std::ptrdiff_t sum_block) {  // every float is a double too
    T mean = 0;
    call(PYDREAM_FUNCTION(T, mean_abs), &mean, elements(gradient, gradient.size()), gradient.size(), sum_block);
    return static_cast<double>(mean);
}

template <class T>
void ascend(Image<T>& image, const Image<T>& gradient, double step_size, std::ptrdiff_t sum_block) {
    call(PYDREAM_FUNCTION(T, ascend), writable_elements(image), elements(gradient, image.size()), image.size(),
         step_size, sum_block);
}

template <class T>
void clip(Image<T>& image, const Bounds<T>& low, const Bounds<T>& high) {
    const auto [channels, height, width] = sizes_of(image);
    call(PYDREAM_FUNCTION(T, clip), writable_elements(image), elements(low, channels), elements(high, channels),
         channels, height * width);
}

template <class T>
Tensor<T> to_tensor(const Image<T>& image, std::ptrdiff_t ox, std::ptrdiff_t oy, bool channels_last) {
    const auto [channels, height, width] = sizes_of(image);
    require_within(ox, width, oy, height);
    Tensor<T> out = channels_last ? new_tensor<T>({1, height, width, channels})  //
                                  : new_tensor<T>({1, channels, height, width});
    call(PYDREAM_FUNCTION(T, to_tensor), out.mutable_data(), elements(image, image.size()), channels, height, width, ox,
         oy, channels_last);
    return out;
}

// Returns mean|g|, or 0 if it is finite but allows no step.
template <class T>
double ascend_tensor(Image<T>& image, const Tensor<T>& gradient, double step_size, std::ptrdiff_t ox,
                     std::ptrdiff_t oy, const std::optional<Bounds<T>>& low,
                     const std::optional<Bounds<T>>& high, bool channels_last, std::ptrdiff_t sum_block) {
    const auto [channels, height, width] = sizes_of(image);
    require_within(ox, width, oy, height);
    T mean = 0;
    const pydream_status status =
        call(PYDREAM_FUNCTION(T, ascend_tensor), writable_elements(image), elements(gradient, image.size()), channels,
             height, width, ox, oy, channels_last, step_size, low ? elements(*low, channels) : nullptr,
             high ? elements(*high, channels) : nullptr, &mean, sum_block);
    if (status == PYDREAM_NO_STEP && std::isfinite(mean)) return 0.0;
    return static_cast<double>(mean);
}

// noconvert: what is written in place must not be lost in a silently converted copy.
template <class T>
void define(py::module_& m) {
    const auto image = py::arg("image").noconvert(), gradient = py::arg("gradient").noconvert();
    const auto low = py::arg("low").noconvert(), high = py::arg("high").noconvert();
    const auto ox = py::arg("ox"), oy = py::arg("oy"), step_size = py::arg("step_size");
    const auto channels_last = py::arg("channels_last"), sum_block = py::arg("sum_block");
    m.def("roll", &roll<T>, image, ox, oy);
    m.def("zoom", &zoom<T>, image, py::arg("height"), py::arg("width"));
    const auto frame = py::arg("frame").noconvert(), matrix = py::arg("matrix").noconvert();
    const auto offset = py::arg("offset").noconvert(), offset_first = py::arg("offset_first");
    m.def("affine_transform", &affine_transform<T>, frame, matrix, offset, offset_first);
    m.def("affine_transform_adjoint", &affine_transform_adjoint<T>, frame, matrix, offset, offset_first);
    m.def("mean_abs", &mean_abs<T>, gradient, sum_block);
    m.def("ascend", &ascend<T>, image, gradient, step_size, sum_block);
    m.def("clip", &clip<T>, image, low, high);
    m.def("to_tensor", &to_tensor<T>, image, ox, oy, channels_last);
    m.def("ascend_tensor", &ascend_tensor<T>, image, gradient, step_size, ox, oy, low, high, channels_last,
          sum_block);
}

}  // namespace

PYBIND11_MODULE(_native, m) {  // NOT COUNTED: pybind11's own checks of Python
    m.doc() = "The image side of a dream in C++; see native_ops.py.";
    define<float>(m);
    define<double>(m);
}
