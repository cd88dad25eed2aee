#include "passes/convolution.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "test.hpp"

namespace {

using pydream::Convolution;
using pydream::End;
using pydream::Pair;
using pydream::Shape;

// A convolution and the images on both sides of it.
struct Case {
    std::ptrdiff_t n, group, inputs, outputs;  // channels of a group
    Pair taps, stride, dilation, before, bottom, top;

    Shape bottom_shape() const { return {n, group * inputs, bottom}; }
    Shape top_shape() const { return {n, group * outputs, top}; }
};

std::ptrdiff_t count(const Shape& shape) { return shape.n * shape.channels * shape.size[0] * shape.size[1]; }

// Padded by as much on both sides.
Case padded(std::ptrdiff_t n, std::ptrdiff_t group, std::ptrdiff_t inputs, std::ptrdiff_t outputs, Pair taps,
            Pair stride, Pair dilation, Pair pad, Pair bottom) {
    Case c{n, group, inputs, outputs, taps, stride, dilation, pad, bottom, {}};
    for (std::size_t a = 0; a < 2; ++a) {
        c.top[a] = (bottom[a] + 2 * pad[a] - dilation[a] * (taps[a] - 1) - 1) / stride[a] + 1;
    }
    return c;
}

// Small integers: their sums are exact, whatever the order and the rounding.
template <class T>
std::vector<T> integers(std::ptrdiff_t n, unsigned seed) {
    std::mt19937 bits(seed);
    std::vector<T> out(static_cast<std::size_t>(n));
    for (T& x : out) x = static_cast<T>(static_cast<int>(bits() % 17) - 8);
    return out;
}

// Calls visit(output, input, weight): indices into the top, the bottom and the kernel, for all that multiply.
template <class Visit>
void each_product(const Case& c, const Visit& visit) {
    for (std::ptrdiff_t n = 0; n < c.n; ++n)
        for (std::ptrdiff_t o = 0; o < c.group * c.outputs; ++o)
            for (std::ptrdiff_t i = 0; i < c.inputs; ++i)
                for (std::ptrdiff_t u = 0; u < c.taps[0]; ++u)
                    for (std::ptrdiff_t v = 0; v < c.taps[1]; ++v)
                        for (std::ptrdiff_t y = 0; y < c.top[0]; ++y)
                            for (std::ptrdiff_t x = 0; x < c.top[1]; ++x) {
                                const std::ptrdiff_t row = y * c.stride[0] + u * c.dilation[0] - c.before[0];
                                const std::ptrdiff_t column = x * c.stride[1] + v * c.dilation[1] - c.before[1];
                                if (row < 0 || row >= c.bottom[0] || column < 0 || column >= c.bottom[1]) continue;
                                const std::ptrdiff_t channel = n * c.group * c.inputs + o / c.outputs * c.inputs + i;
                                visit(((n * c.group * c.outputs + o) * c.top[0] + y) * c.top[1] + x,
                                      (channel * c.bottom[0] + row) * c.bottom[1] + column,
                                      ((o * c.inputs + i) * c.taps[0] + u) * c.taps[1] + v);
                            }
}

template <class T>
T& at(std::vector<T>& values, std::ptrdiff_t index) {
    return values.at(static_cast<std::size_t>(index));
}

template <class T>
struct Arrays {
    std::vector<T> kernel, bottom, top, bias;

    explicit Arrays(const Case& c, unsigned seed = 1)
        : kernel(integers<T>(c.group * c.outputs * c.inputs * c.taps[0] * c.taps[1], seed)),
          bottom(integers<T>(count(c.bottom_shape()), seed + 1)),
          top(integers<T>(count(c.top_shape()), seed + 2)),
          bias(integers<T>(c.group * c.outputs, seed + 3)) {}
};

template <class T>
Convolution<T> convolution(const Case& c, const std::vector<T>& kernel, const pydream::Tiles<T>& tiles,
                           std::ptrdiff_t cached = pydream::Slide<T>::usually_cached) {
    return {kernel.data(), c.group * c.outputs, c.inputs, c.taps, c.stride, c.dilation, c.group, tiles, cached};
}

template <class T>
void check_case(const Case& c) {
    Arrays<T> arrays(c);
    std::vector<T> forward(arrays.top.size()), backward(arrays.bottom.size());
    each_product(c, [&](std::ptrdiff_t o, std::ptrdiff_t i, std::ptrdiff_t w) {
        at(forward, o) += at(arrays.kernel, w) * at(arrays.bottom, i);
        at(backward, i) += at(arrays.kernel, w) * at(arrays.top, o);
    });
    const std::ptrdiff_t plane = c.top[0] * c.top[1];
    std::vector<T> rectified = forward, masked = backward;
    for (std::size_t i = 0; i < rectified.size(); ++i) {
        const std::ptrdiff_t channel = static_cast<std::ptrdiff_t>(i) / plane % (c.group * c.outputs);
        rectified[i] = std::max(rectified[i] + at(arrays.bias, channel), T{0});
    }
    for (std::size_t i = 0; i < masked.size(); ++i) {
        masked[i] = arrays.bottom[i] > 0 ? masked[i] + arrays.bottom[i] : T{0};
    }
    for (const pydream::Tiles<T>& tiles : pydream::runnable_tiles<T>()) {
        for (const std::ptrdiff_t cached : {std::ptrdiff_t{1}, std::ptrdiff_t{300}, pydream::Slide<T>::usually_cached}) {
            const Convolution<T> both = convolution(c, arrays.kernel, tiles, cached);
            std::vector<T> top(forward.size(), T{99}), bottom(backward.size(), T{99});
            both.forward(top.data(), c.top, arrays.bottom.data(), c.bottom_shape(), c.before, {}, 2);
            CHECK(top == forward);
            both.backward(bottom.data(), c.bottom, arrays.top.data(), c.top_shape(), c.before, {}, 2);
            CHECK(bottom == backward);
            End<T> end;
            end.bias = arrays.bias.data();
            end.rectify = true;
            both.forward(top.data(), c.top, arrays.bottom.data(), c.bottom_shape(), c.before, end, 1);
            CHECK(top == rectified);
            End<T> added;
            added.add = true;
            added.positive = arrays.bottom.data();
            bottom = arrays.bottom;
            both.backward(bottom.data(), c.bottom, arrays.top.data(), c.top_shape(), c.before, added, 1);
            CHECK(bottom == masked);
        }
    }
}

void check_both(const Case& c) {
    check_case<float>(c);
    check_case<double>(c);
}

TEST(convolution, every_stride_dilation_and_padding) {
    for (const std::ptrdiff_t stride : {1, 2, 3, 5}) {
        for (const std::ptrdiff_t dilation : {1, 2, 3}) {
            for (const std::ptrdiff_t pad : {0, 1, 4}) {
                check_both(padded(1, 1, 3, 5, {3, 2}, {stride, 2}, {dilation, 1}, {pad, 1}, {11, 17}));
                check_both(padded(1, 1, 2, 3, {2, 4}, {1, stride}, {2, dilation}, {1, pad}, {7, 29}));
            }
        }
    }
}

TEST(convolution, few_and_many_channels_groups_and_images) {
    for (const std::ptrdiff_t outputs : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17}) {
        check_both(padded(1, 1, 2, outputs, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {5, 13}));
    }
    check_both(padded(2, 3, 2, 3, {3, 3}, {2, 1}, {1, 1}, {1, 1}, {9, 8}));
    check_both(padded(3, 4, 1, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {6, 7}));
    check_both(padded(2, 1, 13, 4, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {9, 31}));
}

TEST(convolution, kernels_beyond_the_image_and_pixels_that_none_reads) {
    check_both(padded(1, 1, 2, 2, {7, 7}, {1, 1}, {1, 1}, {6, 6}, {1, 1}));
    check_both(padded(1, 1, 2, 2, {5, 9}, {2, 3}, {1, 1}, {4, 8}, {2, 3}));
    check_both(padded(1, 1, 2, 2, {1, 1}, {3, 2}, {1, 1}, {0, 0}, {8, 7}));
    check_both(padded(1, 1, 2, 2, {2, 1}, {4, 5}, {1, 1}, {0, 2}, {13, 11}));
    check_both(padded(1, 1, 1, 1, {3, 3}, {1, 1}, {40, 30}, {40, 30}, {5, 6}));
    check_both(padded(1, 1, 2, 2, {3, 3}, {3, 2}, {1, 1}, {1, 1}, {1, 1}));  // smaller than a stride
}

TEST(convolution, padding_on_one_side_and_rows_left_over) {
    Case c = padded(1, 1, 2, 3, {3, 3}, {2, 2}, {1, 1}, {0, 0}, {10, 12});
    c.top = {5, 6};  // TensorFlow's SAME: a row and a column behind
    check_both(c);
    c.before = {2, 1};
    check_both(c);
    c.before = {-1, -2};  // starts within the image
    check_both(c);
    c.top = {2, 3};
    check_both(c);
    c.top = {9, 9};  // reads beyond everything
    check_both(c);
}

// Where each pixel reads its own place, an image is one long row; else it is not, with the same kernel.
TEST(convolution, single_pixels_padded_and_cut) {
    check_both(padded(1, 1, 2, 3, {1, 1}, {1, 1}, {1, 1}, {1, 0}, {5, 6}));
    check_both(padded(1, 1, 2, 3, {1, 1}, {1, 1}, {1, 1}, {0, 2}, {5, 6}));
    Case c = padded(1, 1, 2, 3, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {5, 6});
    c.top = {4, 6};
    check_both(c);
    c.top = {5, 9};
    check_both(c);
}

// As in the first layers of networks, at widths around those of tiles.
TEST(convolution, images_of_three_channels) {
    for (const std::ptrdiff_t width : {23, 24, 25, 49}) {
        check_both(padded(1, 1, 3, 8, {7, 7}, {2, 2}, {1, 1}, {3, 3}, {9, width}));
        check_both(padded(1, 1, 3, 8, {3, 3}, {2, 2}, {1, 1}, {0, 0}, {9, width}));
        check_both(padded(1, 1, 3, 8, {11, 11}, {4, 4}, {1, 1}, {0, 0}, {15, width}));
    }
}

template <class T>
void check_bits() {
    const Case c = padded(2, 1, 16, 24, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {40, 37});
    const std::vector<T> kernel = test::numbers<T>(c.outputs * c.inputs * 9, 1);
    const std::vector<T> values = test::numbers<T>(count(c.bottom_shape()), 2);
    std::vector<std::vector<T>> fused;
    for (const pydream::Tiles<T>& tiles : pydream::runnable_tiles<T>()) {
        std::vector<T> first, top(static_cast<std::size_t>(count(c.top_shape())));
        for (const std::ptrdiff_t cached : {pydream::Slide<T>::usually_cached, std::ptrdiff_t{2000}}) {
            const Convolution<T> both = convolution(c, kernel, tiles, cached);
            for (const int threads : {1, 2, 3}) {
                both.forward(top.data(), c.top, values.data(), c.bottom_shape(), c.before, {}, threads);
                std::vector<T> bottom(values.size());
                both.backward(bottom.data(), c.bottom, top.data(), c.top_shape(), c.before, {}, threads);
                bottom.insert(bottom.end(), top.begin(), top.end());
                if (first.empty()) first = bottom;
                CHECK(test::same(bottom, first));
            }
        }
        if (std::strcmp(tiles.name, "baseline") != 0) fused.push_back(first);
    }
    for (const std::vector<T>& bits : fused) CHECK(test::same(bits, fused.front()));
}

TEST(convolution, bits_depend_on_no_threads_blocks_or_width_of_vectors) {
    check_bits<float>();
    check_bits<double>();
}

TEST(convolution, what_is_not_a_number_becomes_zero_where_it_is_rectified) {
    const Case c = padded(1, 1, 1, 1, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {1, 30});
    std::vector<double> values(30, std::numeric_limits<double>::quiet_NaN()), top(30);
    values[7] = 2;
    End<double> end;
    end.rectify = true;
    for (const auto& tiles : pydream::runnable_tiles<double>()) {
        convolution<double>(c, {3}, tiles)
            .forward(top.data(), c.top, values.data(), c.bottom_shape(), c.before, end, 1);
        for (std::size_t i = 0; i < top.size(); ++i) CHECK(top[i] == (i == 7 ? 6 : 0));
    }
}

void choose(const char* name) {
#ifdef _WIN32
    _putenv_s("PYDREAM_VECTORS", name);
#else
    setenv("PYDREAM_VECTORS", name, 1);
#endif
}

TEST(convolution, tiles_are_chosen_by_name) {
    for (const auto& tiles : pydream::runnable_tiles<double>()) {
        choose(tiles.name);
        CHECK(pydream::chosen_tiles<double>().columns == tiles.columns);
    }
    choose("");
    CHECK(pydream::chosen_tiles<float>().columns == pydream::runnable_tiles<float>().front().columns);
    std::string message;
    choose("neon");
    try {
        pydream::chosen_tiles<float>();
    } catch (const std::invalid_argument& error) {
        message = error.what();
    }
    choose("");
    CHECK(message.find("PYDREAM_VECTORS: 'neon' is not one of ") == 0);
    CHECK(message.find("baseline") != std::string::npos);
}

}  // namespace
