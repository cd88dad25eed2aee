#include "passes/convolution.hpp"

#include <map>

namespace pydream {

template <class T>
Convolution<T>::Convolution(const T* kernel, std::ptrdiff_t outputs, std::ptrdiff_t inputs, Pair taps, Pair stride,
                            Pair dilation, std::ptrdiff_t group, const Tiles<T>& tiles,
                            std::ptrdiff_t cached)
    : kernel_(kernel, kernel + outputs * inputs * taps[0] * taps[1]),
      group_(group),
      outputs_(outputs / group),
      inputs_(inputs),
      taps_(taps),
      stride_(stride),
      dilation_(dilation),
      tiles_(tiles),
      cached_(cached) {}

template <class T>
const T& Convolution<T>::weight(std::ptrdiff_t output, std::ptrdiff_t input, Pair tap) const {
    return kernel_[static_cast<std::size_t>(((output * inputs_ + input) * taps_[0] + tap[0]) * taps_[1] + tap[1])];
}

// Output i reads row stride * i + dilation * t of the padded bottom: row i + dilation * t / stride of the plane
// dilation * t % stride.
template <class T>
Slide<T> Convolution<T>::forward_slide() const {
    Slide<T> slide{group_, inputs_, outputs_, stride_, {1, 1}, {}, {}, tiles_, cached_};
    std::vector<typename Slide<T>::Tap> taps;
    std::map<Pair, std::ptrdiff_t> indices;  // of planes
    for (std::ptrdiff_t u = 0; u < taps_[0]; ++u) {
        for (std::ptrdiff_t v = 0; v < taps_[1]; ++v) {
            const Pair at{dilation_[0] * u, dilation_[1] * v}, remainder{at[0] % stride_[0], at[1] % stride_[1]};
            const auto [plane, is_new] = indices.emplace(remainder, static_cast<std::ptrdiff_t>(indices.size()));
            if (is_new) slide.planes.push_back(remainder);
            taps.push_back({plane->second, {at[0] / stride_[0], at[1] / stride_[1]}});
        }
    }
    slide.add_phase({0, 0}, taps, [&](std::ptrdiff_t row, std::ptrdiff_t channel, std::ptrdiff_t tap) {
        return weight(row, channel, {tap / taps_[1], tap % taps_[1]});
    });
    return slide;
}

// Row p of the bottom gets from output i through tap t where p + before = stride * i + dilation * t. With
// p + before = stride * q + phase, those are the taps with dilation * t % stride = phase, and i = q - dilation * t /
// stride. The source is led by the largest of these distances, so that offsets are not negative.
template <class T>
Slide<T> Convolution<T>::backward_slide() const {
    Slide<T> slide{group_, outputs_, inputs_, {1, 1}, stride_, {{0, 0}}, {}, tiles_, cached_};
    const Pair lead = reach();
    for (std::ptrdiff_t phase = 0; phase < stride_[0] * stride_[1]; ++phase) {
        const Pair remainder{phase / stride_[1], phase % stride_[1]};
        std::vector<typename Slide<T>::Tap> taps;
        std::vector<Pair> kernel_taps;
        for (std::ptrdiff_t u = 0; u < taps_[0]; ++u) {
            for (std::ptrdiff_t v = 0; v < taps_[1]; ++v) {
                const Pair at{dilation_[0] * u, dilation_[1] * v};
                if (at[0] % stride_[0] != remainder[0] || at[1] % stride_[1] != remainder[1]) continue;
                taps.push_back({0, {lead[0] - at[0] / stride_[0], lead[1] - at[1] / stride_[1]}});
                kernel_taps.push_back({u, v});
            }
        }
        slide.add_phase(remainder, taps, [&](std::ptrdiff_t row, std::ptrdiff_t channel, std::ptrdiff_t tap) {
            const std::ptrdiff_t g = row / inputs_;
            return weight(g * outputs_ + channel, row % inputs_, kernel_taps[static_cast<std::size_t>(tap)]);
        });
    }
    return slide;
}

template <class T>
Pair Convolution<T>::reach() const {
    return {dilation_[0] * (taps_[0] - 1) / stride_[0], dilation_[1] * (taps_[1] - 1) / stride_[1]};
}

template <class T>
void Convolution<T>::forward(T* top, Pair top_size, const T* bottom, const Shape& bottom_shape, Pair before,
                             const End<T>& end, int threads) const {
    std::call_once(forward_made_, [&] { forward_ = std::make_unique<const Slide<T>>(forward_slide()); });
    forward_->run(top, top_size, bottom, bottom_shape, before, {0, 0}, end, threads);
}

template <class T>
void Convolution<T>::backward(T* bottom, Pair bottom_size, const T* top, const Shape& top_shape, Pair before,
                              const End<T>& end, int threads) const {
    std::call_once(backward_made_, [&] { backward_ = std::make_unique<const Slide<T>>(backward_slide()); });
    backward_->run(bottom, bottom_size, top, top_shape, reach(), before, end, threads);
}

template class Convolution<float>;
template class Convolution<double>;

}  // namespace pydream
