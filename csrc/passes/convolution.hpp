// A network's convolution, forward and its gradient at the bottom, for images (n, c, h, w).
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "passes/slide.hpp"

namespace pydream {

// A correlation (the kernel is not flipped):
//
//     top[o, i] = bias[o] + sum over c, t of kernel[o, c, t] * bottom[c, stride * i + dilation * t - before]
//
// with zeros outside the bottom, group by group. The padding and both sizes come with each call: what is behind the
// last row or column of a bottom follows from the size of the top.
template <class T>
class Convolution {
public:
    // Copies the (outputs, inputs, *taps) kernel; `inputs` are those of one group. All sizes are at least 1, and
    // `group` divides `outputs`. The last two arguments are for speed: no result depends on `cached`, nor on `tiles`
    // but for the rounding of those without fused multiply-adds.
    Convolution(const T* kernel, std::ptrdiff_t outputs, std::ptrdiff_t inputs, Pair taps, Pair stride, Pair dilation,
                std::ptrdiff_t group, const Tiles<T>& tiles = chosen_tiles<T>(),
                std::ptrdiff_t cached = Slide<T>::usually_cached);

    std::ptrdiff_t outputs() const { return group_ * outputs_; }  // channels of a top
    std::ptrdiff_t inputs() const { return group_ * inputs_; }    // channels of a bottom

    // Writes the top from the bottom, ending as `end` says.
    void forward(T* top, Pair top_size, const T* bottom, const Shape& bottom_shape, Pair before, const End<T>& end,
                 int threads) const;

    // Writes the gradient at the bottom from that at the top.
    void backward(T* bottom, Pair bottom_size, const T* top, const Shape& top_shape, Pair before, const End<T>& end,
                  int threads) const;

private:
    Slide<T> forward_slide() const;
    Slide<T> backward_slide() const;
    Pair reach() const;  // of the taps, in places of the top
    const T& weight(std::ptrdiff_t output, std::ptrdiff_t input, Pair tap) const;

    std::vector<T> kernel_;
    std::ptrdiff_t group_, outputs_, inputs_;  // of a group
    Pair taps_, stride_, dilation_;
    Tiles<T> tiles_;
    std::ptrdiff_t cached_;
    // Made when they are first needed.
    mutable std::once_flag forward_made_, backward_made_;
    mutable std::unique_ptr<const Slide<T>> forward_, backward_;
};

}  // namespace pydream
