#include "ascend.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "test.hpp"

namespace {

constexpr std::ptrdiff_t all = std::numeric_limits<std::ptrdiff_t>::max();  // NumPy 2.3's block
constexpr double infinity = std::numeric_limits<double>::infinity();

// NumPy's pairwise sum, as in its source: one recursion over one array.
template <class T>
T pairwise(const T* a, std::ptrdiff_t n) {
    if (n > 128) {
        const std::ptrdiff_t half = n / 2 - (n / 2) % 8;
        const T left = pairwise(a, half);
        return left + pairwise(a + half, n - half);
    }
    T sum = 0;
    std::ptrdiff_t i = 0;
    if (n >= 8) {
        T r[8] = {};
        for (; i < n - n % 8; ++i) r[i % 8] += a[i];
        sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for (; i < n; ++i) sum += a[i];
    return sum;
}

template <class T>
T expected_mean(std::vector<T> g, std::ptrdiff_t block) {
    for (T& x : g) x = std::abs(x);
    const auto n = static_cast<std::ptrdiff_t>(g.size());
    T sum = 0;
    for (std::ptrdiff_t i = 0; i < n; i += std::min(block, n)) sum += pairwise(g.data() + i, std::min(block, n - i));
    return static_cast<T>(static_cast<double>(sum) / static_cast<double>(n));
}

template <class T>
T mean_abs(const T* g, std::ptrdiff_t n, std::ptrdiff_t block, int threads) {
    T mean = -1;
    CHECK(pydream::mean_abs(&mean, g, n, block, threads));
    return mean;
}

// (channels, pixels) -> (pixels, channels)
template <class T>
std::vector<T> channels_last(const std::vector<T>& in, std::ptrdiff_t channels) {
    const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(in.size()) / channels;
    std::vector<T> out(in.size());
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t p = 0; p < pixels; ++p) {
            out[static_cast<std::size_t>(p * channels + c)] = in[static_cast<std::size_t>(c * pixels + p)];
        }
    }
    return out;
}

template <class T>
void check_mean(std::ptrdiff_t channels, std::ptrdiff_t pixels) {
    const std::vector<T> g = test::numbers<T>(channels * pixels);
    const std::vector<T> last = channels_last(g, channels);
    for (std::ptrdiff_t block : {std::ptrdiff_t{100}, std::ptrdiff_t{8192}, all}) {
        const T mean = expected_mean(g, block);
        for (int threads : {1, 2, 3, 7}) {
            CHECK(mean_abs(g.data(), channels * pixels, block, threads) == mean);
            T of_last = -1;
            CHECK(pydream::mean_abs_channels_last(&of_last, last.data(), channels, pixels, block, threads));
            CHECK(of_last == mean);
        }
    }
}

template <class T>
void check_means() {
    for (std::ptrdiff_t channels : {1, 2, 3, 4, 50}) {
        for (std::ptrdiff_t pixels :
             {1, 2, 3, 7, 8, 9, 42, 43, 64, 127, 128, 129, 1000, 2731, 8192, 8193, 50021}) {
            check_mean<T>(channels, pixels);
        }
    }
    check_mean<T>(3, (1 << 20) + 5);  // enough for several threads
}

TEST(ascend, float_mean_is_numpys) { check_means<float>(); }
TEST(ascend, double_mean_is_numpys) { check_means<double>(); }

TEST(ascend, mean_by_hand) {
    const std::vector<float> g{1, -2, 3, -6};
    CHECK(mean_abs(g.data(), 4, all, 1) == 3);
    const float big[] = {std::numeric_limits<float>::max(), std::numeric_limits<float>::max()};
    CHECK(std::isinf(mean_abs(big, 2, all, 1)));
}

TEST(ascend, can_ascend_only_by_a_finite_rate) {
    CHECK(pydream::can_ascend(1.5, 1.0f) && pydream::can_ascend(1.5, std::numeric_limits<float>::min()));
    CHECK(!pydream::can_ascend(1.5, std::numeric_limits<float>::denorm_min()));
    CHECK(!pydream::can_ascend(1e300, 1.0f) && pydream::can_ascend(1e300, 1.0));
    CHECK(pydream::can_ascend(1.5, std::numeric_limits<double>::max()));
    CHECK(!pydream::can_ascend(1.5, 0.0) && !pydream::can_ascend(1.5, infinity));
    CHECK(!pydream::can_ascend(1.5, std::nan("")));
}

TEST(ascend, rate_is_rounded_first) {
    CHECK(pydream::rate_of(0.1, 3.0f) == 0.1f / 3.0f);
    CHECK(pydream::rate_of(0.1, 3.0) == 0.1 / 3.0);
    CHECK(std::isinf(pydream::rate_of(1.5, 0.0f)));
}

// With a fused multiply-add, (1 + e) * (1 - e) - 1 would be -e², not 0.
TEST(ascend, product_is_rounded_before_the_sum) {
    const float e = std::numeric_limits<float>::epsilon() / 2;
    std::vector<float> x(64, -1.0f);
    const std::vector<float> g(64, 1 - e);
    pydream::ascend(x.data(), g.data(), 64, 1 + 2 * e, 1);
    volatile float product = (1 + 2 * e) * g[0];
    CHECK(test::same(x, std::vector<float>(64, product - 1)));
}

TEST(ascend, clip_as_numpy) {
    const double nan = std::nan("");
    const double values[] = {nan, infinity, -infinity, -0.0, 0.5, 9};
    const double low[] = {0, 2, nan, 0, nan, -infinity}, high[] = {1, -2, 1, nan, nan, infinity};
    const double wanted[6][6] = {{nan, 1, 0, 0, 0.5, 1},         {nan, -2, -2, -2, -2, -2},
                                 {nan, nan, nan, nan, nan, nan}, {nan, nan, nan, nan, nan, nan},
                                 {nan, nan, nan, nan, nan, nan}, {nan, infinity, -infinity, 0, 0.5, 9}};
    std::vector<double> x;
    for (int c = 0; c < 6; ++c) x.insert(x.end(), values, values + 6);
    pydream::clip(x.data(), low, high, 6, 6, 1);
    for (std::size_t i = 0; i < 36; ++i) {
        const double want = wanted[i / 6][i % 6];
        CHECK(std::isnan(want) ? std::isnan(x[i]) : x[i] == want);
    }
}

template <class T>
void check_ascend_rolled(std::ptrdiff_t channels, std::ptrdiff_t height, std::ptrdiff_t width,
                         std::ptrdiff_t ox, std::ptrdiff_t oy, bool clipped) {
    const std::ptrdiff_t n = channels * height * width;
    const std::vector<T> image = test::numbers<T>(n, 1), g = test::numbers<T>(n, 2);
    std::vector<T> low, high;
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        low.push_back(static_cast<T>(-1000 - c));
        high.push_back(static_cast<T>(2000 + c));
    }
    const T rate = static_cast<T>(0.3);
    std::vector<T> wanted = image;
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t y = 0; y < height; ++y) {
            for (std::ptrdiff_t x = 0; x < width; ++x) {
                const std::ptrdiff_t from = (c * height + (y + oy) % height) * width + (x + ox) % width;
                volatile T product = rate * g[static_cast<std::size_t>(from)];
                T& value = wanted[static_cast<std::size_t>((c * height + y) * width + x)];
                value = value + product;
                const auto b = static_cast<std::size_t>(c);
                if (clipped) value = value < low[b] ? low[b] : value > high[b] ? high[b] : value;
            }
        }
    }
    const std::vector<T> last = channels_last(g, channels);
    for (int threads : {1, 2, 3, 7}) {
        for (bool is_last : {false, true}) {
            std::vector<T> x = image;
            pydream::ascend_rolled(x.data(), is_last ? last.data() : g.data(), is_last, channels, height,
                                   width, ox, oy, rate, clipped ? low.data() : nullptr,
                                   clipped ? high.data() : nullptr, threads);
            CHECK(test::same(x, wanted));
        }
        if (ox == 0 && oy == 0) {  // then it is the plain pair
            std::vector<T> x = image;
            pydream::ascend(x.data(), g.data(), n, rate, threads);
            if (clipped) pydream::clip(x.data(), low.data(), high.data(), channels, height * width, threads);
            CHECK(test::same(x, wanted));
        }
    }
}

template <class T>
void check_ascends() {
    check_ascend_rolled<T>(1, 1, 1, 0, 0, true);
    for (std::ptrdiff_t channels : {1, 2, 3, 4, 5}) {
        for (std::ptrdiff_t width : {1, 2, 7, 33}) {
            check_ascend_rolled<T>(channels, 5, width, 0, 0, true);
            check_ascend_rolled<T>(channels, 5, width, width / 2, 2, true);
            check_ascend_rolled<T>(channels, 5, width, width - 1, 4, false);
        }
    }
    check_ascend_rolled<T>(3, 1025, 1024, 0, 0, true);  // enough for several threads
    check_ascend_rolled<T>(3, 601, 603, 32, 269, true);
    check_ascend_rolled<T>(4, 301, 403, 371, 1, true);
}

TEST(ascend, float_rolled_as_defined) { check_ascends<float>(); }
TEST(ascend, double_rolled_as_defined) { check_ascends<double>(); }

// A bound that is NaN makes its channel NaN, and no other.
template <class T>
void check_nan_bounds() {
    constexpr std::ptrdiff_t height = 5, width = 7;
    for (const std::ptrdiff_t channels : {1, 3, 4}) {
        const std::vector<T> image = test::numbers<T>(channels * height * width, 1);
        const std::vector<T> g = test::numbers<T>(channels * height * width, 2), last = channels_last(g, channels);
        for (const bool is_low : {true, false}) {
            std::vector<T> low(static_cast<std::size_t>(channels), T{-1000}), high(low.size(), T{1000});
            (is_low ? low : high).back() = std::numeric_limits<T>::quiet_NaN();
            for (const bool is_last : {false, true}) {
                const T* const gradient = is_last ? last.data() : g.data();
                std::vector<T> x = image, wanted = image;
                pydream::ascend_rolled<T>(wanted.data(), gradient, is_last, channels, height, width, 2, 3, T{1},
                                          nullptr, nullptr, 1);
                pydream::clip(wanted.data(), low.data(), high.data(), channels, height * width, 1);
                pydream::ascend_rolled(x.data(), gradient, is_last, channels, height, width, 2, 3, T{1}, low.data(),
                                       high.data(), 1);
                CHECK(test::same(x, wanted));
                CHECK(std::isnan(x.back()) && (channels == 1 || !std::isnan(x.front())));
            }
        }
    }
}

TEST(ascend, float_bounds_that_are_nan) { check_nan_bounds<float>(); }
TEST(ascend, double_bounds_that_are_nan) { check_nan_bounds<double>(); }

}  // namespace
