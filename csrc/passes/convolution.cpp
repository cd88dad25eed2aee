#include "passes/convolution.hpp"

#include <algorithm>

#include "parallel.hpp"

namespace pydream {

template <class T>
Convolution<T>::Convolution(const T* kernel, std::ptrdiff_t outputs, std::ptrdiff_t inputs, Pair taps, Pair stride,
                            Pair dilation, std::ptrdiff_t group)
    : kernel_(kernel, kernel + outputs * inputs * taps[0] * taps[1]),
      outputs_(outputs),
      inputs_(inputs),
      taps_(taps),
      stride_(stride),
      dilation_(dilation),
      group_(group) {}

template <class T>
void Convolution<T>::forward(T* top, Pair top_size, const T* bottom, const Shape& bottom_shape, Pair before,
                             const T* bias, bool rectify, int threads) const {
    const std::ptrdiff_t plane = bottom_shape.size[0] * bottom_shape.size[1], out = top_size[0] * top_size[1];
    parallel_for(bottom_shape.n * outputs_, out, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t index = begin; index < end; ++index) {
            const std::ptrdiff_t n = index / outputs_, o = index % outputs_, g = o / (outputs_ / group_);
            T* const y = top + index * out;
            std::fill(y, y + out, bias ? bias[o] : T{0});
            for (std::ptrdiff_t c = 0; c < inputs_; ++c) {
                const T* const x = bottom + (n * inputs() + g * inputs_ + c) * plane;
                for (std::ptrdiff_t u = 0; u < taps_[0]; ++u) {
                    for (std::ptrdiff_t v = 0; v < taps_[1]; ++v) {
                        const T w = kernel_[static_cast<std::size_t>(((o * inputs_ + c) * taps_[0] + u) * taps_[1] + v)];
                        for (std::ptrdiff_t i = 0; i < top_size[0]; ++i) {
                            const std::ptrdiff_t row = stride_[0] * i + dilation_[0] * u - before[0];
                            if (row < 0 || row >= bottom_shape.size[0]) continue;
                            for (std::ptrdiff_t j = 0; j < top_size[1]; ++j) {
                                const std::ptrdiff_t column = stride_[1] * j + dilation_[1] * v - before[1];
                                if (column < 0 || column >= bottom_shape.size[1]) continue;
                                y[i * top_size[1] + j] += w * x[row * bottom_shape.size[1] + column];
                            }
                        }
                    }
                }
            }
            if (rectify) std::transform(y, y + out, y, [](T value) { return value > 0 ? value : T{0}; });
        }
    });
}

template <class T>
void Convolution<T>::backward(T* bottom, Pair bottom_size, const T* top, const Shape& top_shape, Pair before,
                              int threads) const {
    const std::ptrdiff_t plane = bottom_size[0] * bottom_size[1], out = top_shape.size[0] * top_shape.size[1];
    const std::ptrdiff_t per_group = outputs_ / group_;
    parallel_for(top_shape.n * inputs(), plane, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t index = begin; index < end; ++index) {
            const std::ptrdiff_t n = index / inputs(), g = index % inputs() / inputs_, c = index % inputs_;
            T* const x = bottom + index * plane;
            std::fill(x, x + plane, T{0});
            for (std::ptrdiff_t o = g * per_group; o < (g + 1) * per_group; ++o) {
                const T* const y = top + (n * outputs_ + o) * out;
                for (std::ptrdiff_t u = 0; u < taps_[0]; ++u) {
                    for (std::ptrdiff_t v = 0; v < taps_[1]; ++v) {
                        const T w = kernel_[static_cast<std::size_t>(((o * inputs_ + c) * taps_[0] + u) * taps_[1] + v)];
                        for (std::ptrdiff_t i = 0; i < top_shape.size[0]; ++i) {
                            const std::ptrdiff_t row = stride_[0] * i + dilation_[0] * u - before[0];
                            if (row < 0 || row >= bottom_size[0]) continue;
                            for (std::ptrdiff_t j = 0; j < top_shape.size[1]; ++j) {
                                const std::ptrdiff_t column = stride_[1] * j + dilation_[1] * v - before[1];
                                if (column < 0 || column >= bottom_size[1]) continue;
                                x[row * bottom_size[1] + column] += w * y[i * top_shape.size[1] + j];
                            }
                        }
                    }
                }
            }
        }
    });
}

template class Convolution<float>;
template class Convolution<double>;

}  // namespace pydream
