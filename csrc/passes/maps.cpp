// Pooling, normalisation, rectifiers, sums and concatenations of the module pydream.runtime.on_native._kernels.
//
// As in bindings.cpp: each function checks what its arrays are, and runs without the GIL.
#include "passes/maps.hpp"

#include <pybind11/stl.h>  // std::array, std::optional, std::vector

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "parallel.hpp"
#include "passes/arrays.hpp"
#include "passes/elementwise.hpp"
#include "passes/lrn.hpp"
#include "passes/pooling.hpp"

namespace {

using namespace pydream;

template <class T>
using Optional = std::optional<Array<T>>;
using Winners = Array<std::uint8_t>;
using Sizes = std::vector<std::ptrdiff_t>;

template <class T>
const T* elements(const Array<T>& array) {
    require(array.size() > 0, "expected no size of 0");
    require_aligned(array);
    return array.data();
}

Sizes sizes_of(const py::array& array) { return Sizes(array.shape(), array.shape() + array.ndim()); }

void require_same(const py::array& one, const py::array& other) {
    require(sizes_of(one) == sizes_of(other), "expected arrays of one shape");
}

Windows windows_of(const Pair& kernel, const Pair& stride, const Pair& before) {
    for (const std::size_t axis : {std::size_t{0}, std::size_t{1}}) {
        require(1 <= kernel[axis] && kernel[axis] <= 256, "expected a kernel from 1 to 256");
        require(1 <= stride[axis] && stride[axis] <= most_rows, "expected a stride from 1 to 2^24");
        require(-most_rows <= before[axis] && before[axis] <= most_rows, "expected a padding within 2^24");
    }
    require(kernel[0] * kernel[1] <= 256, "expected at most 256 places");
    return {kernel, stride, before};
}

template <class T>
std::pair<Array<T>, Winners> pool_maximum(const Array<T>& x, const Pair& size, const Pair& kernel, const Pair& stride,
                                          const Pair& before, double lowest, double tie) {
    const T* const bottom = elements(x);
    const Shape shape = shape_of(x);
    const Windows windows = windows_of(kernel, stride, before);
    for (const std::ptrdiff_t rows : size) require(1 <= rows && rows <= most_rows, "expected a size from 1 to 2^24");
    const Sizes tops{shape.n, shape.channels, size[0], size[1]};
    Array<T> out = empty<T>(tops);
    Winners won = empty<std::uint8_t>(tops);
    T* const top = out.mutable_data();
    std::uint8_t* const winner = won.mutable_data();
    const Maximum<T> rule{static_cast<T>(lowest), static_cast<T>(tie)};
    const int threads = thread_count();  // reads the environment, so under the GIL
    {
        const py::gil_scoped_release release;
        pydream::pool_maximum(top, winner, size, bottom, shape.size, shape.n * shape.channels, windows, rule, threads);
    }
    return {out, won};
}

template <class T>
Array<T> pool_maximum_back(const Array<T>& diff, const Winners& won, const Pair& size, const Pair& kernel,
                           const Pair& stride, const Pair& before, const Optional<T>& pooled) {
    const T* const top_diff = elements(diff);
    const std::uint8_t* const winner = elements(won);
    const Shape shape = shape_of(diff);
    const Windows windows = windows_of(kernel, stride, before);
    require_same(diff, won);
    if (pooled) require_same(diff, *pooled);
    const T* const top = pooled ? elements(*pooled) : nullptr;
    for (const std::ptrdiff_t rows : size) require(1 <= rows && rows <= most_rows, "expected a size from 1 to 2^24");
    const std::ptrdiff_t places = kernel[0] * kernel[1];
    Array<T> out = empty<T>({shape.n, shape.channels, size[0], size[1]});
    T* const bottom = out.mutable_data();
    const int threads = thread_count();
    const py::gil_scoped_release release;
    for (std::ptrdiff_t i = 0; i < diff.size(); ++i) require(winner[i] < places, "expected places of the kernel");
    pydream::pool_maximum_back(bottom, size, top_diff, winner, top, shape.size, shape.n * shape.channels, windows, threads);
    return out;
}

template <class T>
Normalisation<T> rule_of(double k, double alpha, double beta, std::ptrdiff_t reach, std::ptrdiff_t channels) {
    require(0 <= reach, "expected a reach of at least 0");
    return {static_cast<T>(k), static_cast<T>(alpha), static_cast<T>(beta), std::min(reach, channels)};
}

template <class T>
Array<T> normalise(const Array<T>& x, double k, double alpha, double beta, std::ptrdiff_t reach) {
    const T* const bottom = elements(x);
    const Shape shape = shape_of(x);
    const Normalisation<T> rule = rule_of<T>(k, alpha, beta, reach, shape.channels);
    Array<T> out = empty<T>(sizes_of(x));
    T* const top = out.mutable_data();
    const int threads = thread_count();
    const py::gil_scoped_release release;
    pydream::normalise(top, bottom, shape.n, shape.channels, shape.size[0] * shape.size[1], rule, threads);
    return out;
}

template <class T>
Array<T> normalise_back(const Array<T>& x, const Array<T>& diff, double k, double alpha, double beta,
                        std::ptrdiff_t reach) {
    const T *const bottom = elements(x), *const top_diff = elements(diff);
    const Shape shape = shape_of(x);
    require_same(x, diff);
    const Normalisation<T> rule = rule_of<T>(k, alpha, beta, reach, shape.channels);
    Array<T> out = empty<T>(sizes_of(x));
    T* const bottom_diff = out.mutable_data();
    const int threads = thread_count();
    const py::gil_scoped_release release;
    pydream::normalise_back(bottom_diff, bottom, top_diff, shape.n, shape.channels, shape.size[0] * shape.size[1], rule,
                            threads);
    return out;
}

template <class T>
Array<T> rectify(const Array<T>& x, const Optional<T>& values, double slope) {
    const T* const where = elements(x);
    const T* const chosen = values ? elements(*values) : where;
    if (values) require_same(x, *values);
    const std::ptrdiff_t count = x.size();
    Array<T> out = empty<T>(sizes_of(x));
    T* const written = out.mutable_data();
    const int threads = thread_count();
    const py::gil_scoped_release release;
    pydream::rectify(written, where, chosen, count, static_cast<T>(slope), threads);
    return out;
}

template <class T>
Array<T> add_up(const std::vector<Array<T>>& terms) {
    require(terms.size() >= 2, "expected two arrays at least");
    std::vector<const T*> pointers;
    for (const Array<T>& term : terms) {
        require_same(term, terms[0]);
        pointers.push_back(elements(term));
    }
    const std::ptrdiff_t count = terms[0].size();
    Array<T> out = empty<T>(sizes_of(terms[0]));
    T* const total = out.mutable_data();
    const int threads = thread_count();
    const py::gil_scoped_release release;
    pydream::add_up(total, pointers, count, threads);
    return out;
}

template <class T>
Array<T> join(const std::vector<Array<T>>& parts) {
    require(!parts.empty() && parts[0].ndim() >= 2, "expected arrays of two axes at least");
    Sizes shape = sizes_of(parts[0]), lengths;
    shape[1] = 0;
    std::vector<const T*> pointers;
    for (const Array<T>& part : parts) {
        pointers.push_back(elements(part));
        Sizes own = sizes_of(part);
        require(own.size() == shape.size(), "expected arrays of as many axes");
        shape[1] += std::exchange(own[1], shape[1]);
        own[1] = shape[1];
        require(own == shape, "expected arrays that differ along the second axis alone");
        lengths.push_back(part.size() / part.shape(0));
    }
    const std::ptrdiff_t n = shape[0];
    Array<T> out = empty<T>(shape);
    T* const whole = out.mutable_data();
    const int threads = thread_count();
    const py::gil_scoped_release release;
    pydream::join(whole, pointers, lengths, n, threads);
    return out;
}

// noconvert: another dtype is an error, not a copy.
template <class T>
void define(py::module_& m) {
    const auto x = py::arg("x").noconvert(), diff = py::arg("diff").noconvert(), size = py::arg("size");
    const auto kernel = py::arg("kernel"), stride = py::arg("stride"), before = py::arg("before");
    m.def("pool_maximum", &pool_maximum<T>, x, size, kernel, stride, before, py::arg("lowest"), py::arg("tie"));
    m.def("pool_maximum_back", &pool_maximum_back<T>, diff, py::arg("winner").noconvert(), size, kernel, stride,
          before, py::arg("pooled").noconvert() = py::none());
    const auto k = py::arg("k"), alpha = py::arg("alpha"), beta = py::arg("beta"), reach = py::arg("reach");
    m.def("normalise", &normalise<T>, x, k, alpha, beta, reach);
    m.def("normalise_back", &normalise_back<T>, x, diff, k, alpha, beta, reach);
    m.def("rectify", &rectify<T>, x, py::arg("values").noconvert() = py::none(), py::arg("slope") = 0.0);
    m.def("add_up", &add_up<T>, py::arg("terms").noconvert());
    m.def("join", &join<T>, py::arg("parts").noconvert());
}

}  // namespace

void define_maps(py::module_& m) {
    define<float>(m);
    define<double>(m);
}
