#include "zoom.hpp"

#include <cmath>
#include <limits>

#include "test.hpp"

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class T>
std::vector<T> zoomed(const std::vector<T>& in, std::ptrdiff_t channels, std::ptrdiff_t in_height,
                      std::ptrdiff_t in_width, std::ptrdiff_t height, std::ptrdiff_t width, int threads = 1) {
    std::vector<T> out(static_cast<std::size_t>(channels * height * width), T{77});
    CHECK(pydream::zoom(out.data(), in.data(), channels, in_height, in_width, height, width, threads));
    return out;
}

TEST(zoom, by_hand) {
    CHECK(test::same(zoomed<float>({1, 3}, 1, 1, 2, 1, 3), {1, 2, 3}));
    CHECK(test::same(zoomed<double>({1, 3}, 1, 2, 1, 5, 1), {1, 1.5, 2, 2.5, 3}));
    CHECK(test::same(zoomed<float>({0, 2, 4, 6}, 1, 2, 2, 3, 3), {0, 1, 2, 2, 3, 4, 4, 5, 6}));
    CHECK(test::same(zoomed<float>({1, 2, 3, 4, 5}, 1, 1, 5, 1, 3), {1, 3, 5}));
}

TEST(zoom, sizes_of_one) {
    CHECK(test::same(zoomed<float>({5}, 1, 1, 1, 1, 1), {5}));
    CHECK(test::same(zoomed<float>({5}, 1, 1, 1, 2, 3), {5, 5, 5, 5, 5, 5}));
    CHECK(test::same(zoomed<float>({5, 6, 7, 8}, 1, 2, 2, 1, 1), {5}));
    CHECK(test::same(zoomed<double>({5, 6}, 2, 1, 1, 1, 2), {5, 5, 6, 6}));
}

TEST(zoom, same_size_copies) {
    std::vector<double> in = test::numbers<double>(3 * 11 * 13);
    in[5] = -0.0;
    in[50] = nan;
    CHECK(test::same(zoomed(in, 3, 11, 13, 11, 13), in));
}

// SciPy's quirk: rounding pushes the last coordinate above the last pixel, and the whole edge is 0.
TEST(zoom, edge_zero) {
    struct Sizes {
        std::ptrdiff_t in, out;
    };
    for (const Sizes s : {Sizes{490, 350}, Sizes{976, 697}, Sizes{979, 699}}) {
        const std::vector<float> ones(static_cast<std::size_t>(s.in * 2), 1.0f);
        const std::vector<float> columns = zoomed(ones, 1, 2, s.in, 2, s.out),
                                 rows = zoomed(ones, 1, s.in, 2, s.out, 2);
        const auto last = static_cast<std::size_t>(s.out - 1), width = static_cast<std::size_t>(s.out);
        CHECK(columns[last] == 0 && columns[width + last] == 0 && columns[last - 1] == 1 &&
              columns[width] == 1);
        CHECK(rows[2 * last] == 0 && rows[2 * last + 1] == 0 && rows[2 * last - 1] == 1);
    }
    const std::vector<float> ones(491, 1.0f);
    CHECK(zoomed(ones, 1, 1, 491, 1, 351)[350] == 1);
}

// A weight of 0 does not stop a NaN: it comes from the mirrored neighbour, in the channels too.
TEST(zoom, nan_leaks_as_in_scipy) {
    std::vector<double> in(3 * 4, 1.0);  // (3, 2, 2)
    in[4] = nan;                         // channel 1, top left
    // Every pixel of channels 0, 1 and 2 reads channel 1: as the next one, as itself, as the mirrored next one.
    for (double value : zoomed(in, 3, 2, 2, 2, 3)) CHECK(std::isnan(value));
    in[4] = 1.0;
    in[0] = std::numeric_limits<double>::infinity();
    const std::vector<double> infinite = zoomed(in, 3, 2, 2, 2, 3);
    CHECK(std::isinf(infinite[0]) && std::isinf(infinite[1]));
    for (std::size_t i = 2; i < 6; ++i) CHECK(std::isnan(infinite[i]));
    for (std::size_t i = 6; i < 18; ++i) CHECK(infinite[i] == 1.0);
}

TEST(zoom, negative_zero_becomes_zero) {
    const std::vector<float> out = zoomed<float>({-0.0f, -0.0f}, 1, 1, 2, 1, 3);
    CHECK(test::same(out, {0.0f, 0.0f, 0.0f}));
}

// The short computation for finite images and the exact one for all others have the same bits.
TEST(zoom, both_ways_agree) {
    std::vector<float> in = test::numbers<float>(5 * 40 * 50);
    const std::vector<float> finite = zoomed(in, 5, 40, 50, 57, 71);
    in.back() = static_cast<float>(nan);  // reaches channel 4 and, as the next one, channel 3
    const std::vector<float> any = zoomed(in, 5, 40, 50, 57, 71);
    const std::size_t untouched = 3 * 57 * 71;
    CHECK(std::memcmp(any.data(), finite.data(), untouched * sizeof(float)) == 0);
    CHECK(std::isnan(any.back()));
}

template <class T>
void check_threads(std::vector<T> in) {
    for (int broken = 0; broken < 2; ++broken) {
        const std::vector<T> once = zoomed(in, 3, 101, 203, 311, 157, 1);
        for (int threads : {2, 3, 7}) CHECK(test::same(zoomed(in, 3, 101, 203, 311, 157, threads), once));
        in[5000] = static_cast<T>(nan);
    }
}

TEST(zoom, float_whatever_the_threads) { check_threads(test::numbers<float>(3 * 101 * 203)); }
TEST(zoom, double_whatever_the_threads) { check_threads(test::numbers<double>(3 * 101 * 203)); }

}  // namespace
