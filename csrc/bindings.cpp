// The Python module pydream.imageops._native. Each function looks at its arrays, drops the GIL and calls a
// kernel, which sees pointers and sizes only.
//
// Users call it through native_ops.py, which has checked the arguments and says what is wrong with them. What
// is checked here is what keeps a kernel inside its memory.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>  // std::optional

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include "affine.hpp"
#include "ascend.hpp"
#include "parallel.hpp"
#include "roll.hpp"
#include "zoom.hpp"

namespace py = pybind11;

namespace {

// T is float or double. As in _native.pyi.
template <class T>
using Image = py::array_t<T, py::array::c_style>;  // (C, H, W)
template <class T>
using Tensor = py::array_t<T, py::array::c_style>;  // (1, H, W, C) with channels_last, else (1, C, H, W)
template <class T>
using Bounds = py::array_t<T, py::array::c_style>;  // (C, 1, 1)
template <class T>
using Frame = py::array_t<T, py::array::c_style>;  // (H, W, C)
using Numbers = py::array_t<double, py::array::c_style>;

void want(bool fact, const char* text) {
    if (!fact) throw std::invalid_argument(text);
}

bool aligned(const py::array& array) {
    return (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

// An array's sizes, once it is known to be aligned and to have elements.
struct Shape {
    std::ptrdiff_t channels, height, width;

    explicit Shape(const py::array& image) {
        want(image.ndim() == 3 && image.size() > 0, "want (C, H, W) without an axis of size 0");
        want(aligned(image), "want an aligned array");
        channels = image.shape(0);
        height = image.shape(1);
        width = image.shape(2);
    }

    [[nodiscard]] std::ptrdiff_t plane() const { return height * width; }
    [[nodiscard]] std::ptrdiff_t size() const { return channels * height * width; }

    void check_shift(std::ptrdiff_t ox, std::ptrdiff_t oy) const {
        want(0 <= ox && ox < width && 0 <= oy && oy < height, "want a shift within the image");
    }
    void check_bounds(const py::array& bounds) const {
        want(bounds.ndim() == 3 && bounds.shape(0) == channels && bounds.size() == channels,
             "want bounds (C, 1, 1)");
        want(aligned(bounds), "want aligned bounds");
    }
};

template <class T>
Image<T> roll(const Image<T>& image, std::ptrdiff_t ox, std::ptrdiff_t oy) {
    const Shape s(image);
    s.check_shift(ox, oy);
    Image<T> out({s.channels, s.height, s.width});
    T* const to = out.mutable_data();
    const T* const from = image.data();
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    pydream::roll(to, from, s.channels, s.height, s.width, ox, oy, threads);
    return out;
}

template <class T>
Image<T> zoom(const Image<T>& image, std::ptrdiff_t height, std::ptrdiff_t width) {
    const Shape s(image);
    want(height >= 1 && width >= 1, "want a size of at least 1");
    // NumPy would refuse sizes that overflow, but pybind11 multiplies them before.
    const std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max() / static_cast<std::ptrdiff_t>(sizeof(T));
    want(height <= most / s.channels / width, "want a size that memory can have");
    Image<T> out({s.channels, height, width});
    T* const to = out.mutable_data();
    const T* const from = image.data();
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    pydream::zoom(to, from, s.channels, s.height, s.width, height, width, threads);
    return out;
}

template <class T>
Frame<T> affine_transform(const Frame<T>& frame, const Numbers& matrix, const Numbers& offset, bool offset_first) {
    want(frame.ndim() == 3 && frame.size() > 0, "want (H, W, C) without an axis of size 0");
    want(matrix.size() == 2 || matrix.size() == 4, "want a matrix (2,) or (2, 2)");
    want(offset.size() == 2, "want an offset (2,)");
    want(aligned(frame) && aligned(matrix) && aligned(offset), "want aligned arrays");
    const std::ptrdiff_t height = frame.shape(0), width = frame.shape(1), channels = frame.shape(2);
    Frame<T> out({height, width, channels});
    T* const to = out.mutable_data();
    const T* const from = frame.data();
    const double *const m = matrix.data(), *const d = offset.data();
    const bool diagonal = matrix.size() == 2;
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    pydream::affine_transform(to, from, height, width, channels, m, diagonal, d, offset_first, threads);
    return out;
}

template <class T>
double mean_abs(const Image<T>& gradient, std::ptrdiff_t sum_block) {  // every float is a double too
    const Shape s(gradient);
    want(sum_block >= 1, "want a block of at least 1");
    const T* const g = gradient.data();
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    return static_cast<double>(pydream::mean_abs(g, s.size(), sum_block, threads));
}

template <class T>
void ascend(Image<T>& image, const Image<T>& gradient, double step_size, std::ptrdiff_t sum_block) {
    const Shape s(image);
    want(sum_block >= 1, "want a block of at least 1");
    want(Shape(gradient).size() == s.size(), "want a gradient of the image's size");
    T* const x = image.mutable_data();
    const T* const g = gradient.data();
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    pydream::ascend(x, g, s.size(), pydream::rate_of(step_size, pydream::mean_abs(g, s.size(), sum_block, threads)),
                    threads);
}

template <class T>
void clip(Image<T>& image, const Bounds<T>& low, const Bounds<T>& high) {
    const Shape s(image);
    s.check_bounds(low);
    s.check_bounds(high);
    T* const x = image.mutable_data();
    const T *const from = low.data(), *const to = high.data();
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    pydream::clip(x, from, to, s.channels, s.plane(), threads);
}

template <class T>
Tensor<T> to_tensor(const Image<T>& image, std::ptrdiff_t ox, std::ptrdiff_t oy, bool channels_last) {
    const Shape s(image);
    s.check_shift(ox, oy);
    constexpr std::ptrdiff_t one = 1;
    Tensor<T> out = channels_last ? Tensor<T>({one, s.height, s.width, s.channels})
                                  : Tensor<T>({one, s.channels, s.height, s.width});
    T* const to = out.mutable_data();
    const T* const from = image.data();
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    const auto kernel = channels_last ? pydream::roll_channels_last<T> : pydream::roll<T>;
    kernel(to, from, s.channels, s.height, s.width, ox, oy, threads);
    return out;
}

// Leaves the image as it is where no step can be taken: the mean is not finite, or gives a rate that is not, and is
// then reported as 0.
template <class T>
double ascend_tensor(Image<T>& image, const Tensor<T>& gradient, double step_size, std::ptrdiff_t ox,
                     std::ptrdiff_t oy, const std::optional<Bounds<T>>& low,
                     const std::optional<Bounds<T>>& high, bool channels_last, std::ptrdiff_t sum_block) {
    const Shape s(image);
    want(sum_block >= 1, "want a block of at least 1");
    s.check_shift(ox, oy);
    want(gradient.size() == s.size(), "want a gradient of the image's size");
    want(aligned(gradient), "want an aligned array");
    want(low.has_value() == high.has_value(), "want both bounds or none");
    if (low) {
        s.check_bounds(*low);
        s.check_bounds(*high);
    }
    T* const x = image.mutable_data();
    const T* const g = gradient.data();
    const T *const from = low ? low->data() : nullptr, *const to = high ? high->data() : nullptr;
    const int threads = pydream::thread_count();
    const py::gil_scoped_release release;
    const T mean = channels_last ? pydream::mean_abs_channels_last(g, s.channels, s.plane(), sum_block, threads)
                                 : pydream::mean_abs(g, s.size(), sum_block, threads);
    const bool can = pydream::can_ascend(step_size, mean);
    if (can) {
        pydream::ascend_rolled(x, g, channels_last, s.channels, s.height, s.width, ox, oy,
                               pydream::rate_of(step_size, mean), from, to, threads);
    }
    return can || !std::isfinite(mean) ? static_cast<double>(mean) : 0.0;
}

// noconvert: a silently converted copy would lose what is written in place.
template <class T>
void define(py::module_& m) {
    const auto image = py::arg("image").noconvert(), gradient = py::arg("gradient").noconvert();
    const auto low = py::arg("low").noconvert(), high = py::arg("high").noconvert();
    const auto ox = py::arg("ox"), oy = py::arg("oy"), step_size = py::arg("step_size");
    const auto channels_last = py::arg("channels_last"), sum_block = py::arg("sum_block");
    m.def("roll", &roll<T>, image, ox, oy);
    m.def("zoom", &zoom<T>, image, py::arg("height"), py::arg("width"));
    m.def("affine_transform", &affine_transform<T>, py::arg("frame").noconvert(), py::arg("matrix").noconvert(),
          py::arg("offset").noconvert(), py::arg("offset_first"));
    m.def("mean_abs", &mean_abs<T>, gradient, sum_block);
    m.def("ascend", &ascend<T>, image, gradient, step_size, sum_block);
    m.def("clip", &clip<T>, image, low, high);
    m.def("to_tensor", &to_tensor<T>, image, ox, oy, channels_last);
    m.def("ascend_tensor", &ascend_tensor<T>, image, gradient, step_size, ox, oy, low, high, channels_last,
          sum_block);
}

}  // namespace

PYBIND11_MODULE(_native, m) {
    m.doc() = "The image side of a dream in C++; see native_ops.py.";
    define<float>(m);
    define<double>(m);
}
