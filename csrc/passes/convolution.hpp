// A network's convolution, forward and its gradient at the bottom, for images (n, c, h, w).
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace pydream {

using Pair = std::array<std::ptrdiff_t, 2>;  // (vertical, horizontal)

// The shape of an image batch.
struct Shape {
    std::ptrdiff_t n, channels;
    Pair size;

    std::ptrdiff_t count() const { return n * channels * size[0] * size[1]; }
};

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
    // `group` divides `outputs`.
    Convolution(const T* kernel, std::ptrdiff_t outputs, std::ptrdiff_t inputs, Pair taps, Pair stride, Pair dilation,
                std::ptrdiff_t group);

    std::ptrdiff_t outputs() const { return outputs_; }           // channels of a top
    std::ptrdiff_t inputs() const { return inputs_ * group_; }  // channels of a bottom

    // Writes the top from the bottom. `bias` has outputs() numbers or is null. With `rectify`, what is not above 0
    // becomes 0, a NaN too.
    void forward(T* top, Pair top_size, const T* bottom, const Shape& bottom_shape, Pair before, const T* bias,
                 bool rectify, int threads) const;

    // Writes the gradient at the bottom from that at the top.
    void backward(T* bottom, Pair bottom_size, const T* top, const Shape& top_shape, Pair before, int threads) const;

private:
    std::vector<T> kernel_;
    std::ptrdiff_t outputs_, inputs_;
    Pair taps_, stride_, dilation_;
    std::ptrdiff_t group_;
};

}  // namespace pydream
