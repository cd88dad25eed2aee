#include "affine.hpp"

#include <cmath>
#include <limits>

#include "test.hpp"

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

struct Size {
    std::ptrdiff_t height, width, channels;
};

// A matrix of two numbers is a diagonal.
template <class T>
std::vector<T> moved(const std::vector<T>& in, Size s, const std::vector<double>& matrix,
                     const std::vector<double>& offset, bool offset_first = false, int threads = 1) {
    std::vector<T> out(in.size(), T{77});
    CHECK(pydream::affine_transform(out.data(), in.data(), s.height, s.width, s.channels, matrix.data(),
                                    matrix.size() == 2, offset.data(), offset_first, threads));
    return out;
}

template <class T>
std::vector<T> brought_back(const std::vector<T>& in, Size s, const std::vector<double>& matrix,
                            const std::vector<double>& offset, bool offset_first = false, int threads = 1) {
    std::vector<T> out(in.size(), T{77});
    CHECK(pydream::affine_transform_adjoint(out.data(), in.data(), s.height, s.width, s.channels, matrix.data(),
                                            matrix.size() == 2, offset.data(), offset_first, threads));
    return out;
}

TEST(affine, by_hand) {
    const std::vector<float> row{0, 2, 4, 6}, two{1, 3, 5, 7};
    CHECK(test::same(moved<float>(row, {1, 4, 1}, {1, 0.5}, {0, 1}), {2, 3, 4, 5}));
    CHECK(test::same(moved<float>(row, {4, 1, 1}, {0.5, 1}, {1, 0}), {2, 3, 4, 5}));
    CHECK(test::same(moved<float>(row, {1, 4, 1}, {1, -1}, {0, 3}), {6, 4, 2, 0}));
    CHECK(test::same(moved<float>(two, {1, 2, 2}, {1, 0.5}, {0, 0.5}), {3, 5, 5, 7}));  // channels stay apart
    CHECK(test::same(moved<float>(two, {1, 2, 2}, {1, 1}, {0, 0}), two));
}

TEST(affine, outside_is_zero) {
    const std::vector<double> ones(5, 1.0);
    CHECK(test::same(moved<double>(ones, {1, 5, 1}, {1, 1}, {0, 2}), {1, 1, 1, 0, 0}));
    CHECK(test::same(moved<double>(ones, {1, 5, 1}, {1, 1}, {0, -2}), {0, 0, 1, 1, 1}));
    CHECK(test::same(moved<double>(ones, {1, 5, 1}, {1, 2}, {0, -3}), {0, 0, 1, 1, 0}));
    CHECK(test::same(moved<double>(ones, {5, 1, 1}, {2, 1}, {-3, 0}), {0, 0, 1, 1, 0}));
    CHECK(test::same(moved<double>(ones, {1, 5, 1}, {1, 1}, {0, 1e-300}), {1, 1, 1, 1, 1}));  // rounds to 4
    CHECK(test::same(moved<double>(ones, {1, 5, 1}, {1, 1}, {0, 1e-15}), {1, 1, 1, 1, 0}));
    CHECK(test::same(moved<double>(ones, {1, 5, 1}, {1, 1}, {0, -1e-300}), {0, 1, 1, 1, 1}));
    CHECK(test::same(moved<double>(ones, {1, 5, 1}, {1, 1}, {0.5, 0}), {0, 0, 0, 0, 0}));
}

TEST(affine, no_number_is_outside) {
    const std::vector<float> in{1, 2, 3, 4}, none(4, 0.0f);
    for (double bad : {nan, inf, -inf}) {
        CHECK(test::same(moved<float>(in, {2, 2, 1}, {bad, 1}, {0, 0}), none));
        CHECK(test::same(moved<float>(in, {2, 2, 1}, {1, 1}, {0, bad}), none));
        CHECK(test::same(moved<float>(in, {2, 2, 1}, {1, 1}, {0, bad}, true), none));
        CHECK(test::same(moved<float>(in, {2, 2, 1}, {1, 0, 0, 1}, {bad, 0}), none));
        CHECK(moved<float>(in, {2, 2, 1}, {1, 0, bad, 1}, {0, 0})[3] == 0);
    }
    // With a diagonal of 0, the division by it makes the offset infinite; with offset_first every output reads row 0.
    CHECK(test::same(moved<float>(in, {2, 2, 1}, {0, 1}, {1, 0}), none));
    CHECK(test::same(moved<float>(in, {2, 2, 1}, {0, 1}, {1, 0}, true), {1, 2, 1, 2}));
    const double most = std::numeric_limits<double>::max();
    CHECK(test::same(moved<float>(in, {2, 2, 1}, {most, -most, most, most}, {0, 0}), {1, 0, 0, 0}));
}

// The notebook's 0.95 and 14.375: the offset before the multiplication reads 0.71875 pixels less far.
TEST(affine, offset_first) {
    std::vector<double> in(40);
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<double>(i);
    const std::vector<double> now = moved<double>(in, {40, 1, 1}, {0.95, 1}, {14.375, 0}),
                              then = moved<double>(in, {40, 1, 1}, {0.95, 1}, {14.375, 0}, true);
    for (std::size_t i = 0; i < 25; ++i) {
        CHECK(std::abs(now[i] - (0.95 * static_cast<double>(i) + 14.375)) < 1e-12);
        CHECK(std::abs(now[i] - then[i] - 0.71875) < 1e-12);
    }
}

TEST(affine, matrix) {
    const std::vector<float> in{1, 2, 3, 4, 5, 6};  // (2, 3, 1)
    CHECK(test::same(moved<float>(in, {2, 3, 1}, {0, 1, 1, 0}, {0, 0}), {1, 4, 0, 2, 5, 0}));
    CHECK(test::same(moved<float>(in, {2, 3, 1}, {-1, 0, 0, -1}, {1, 2}), {6, 5, 4, 3, 2, 1}));
    CHECK(test::same(moved<float>(in, {2, 3, 1}, {1, 0, 0.5, 1}, {0, 0}), {1, 2, 3, 4.5f, 5.5f, 0}));
    CHECK(test::same(moved<float>(in, {2, 3, 1}, {1, 0, 0, 1}, {0, 1}, true), {2, 3, 0, 5, 6, 0}));
    CHECK(test::same(moved<float>({1, 10, 2, 20}, {1, 2, 2}, {1, 0, 0, 1}, {0, 0.0f}), {1, 10, 2, 20}));
}

// A weight of 0 does not stop a NaN: it comes from the mirrored neighbour, in the channels too.
TEST(affine, nan_leaks_as_in_scipy) {
    const Size size{2, 2, 3};
    const std::vector<double> diagonal{1, 1}, matrix{1, 0, 0, 1};
    for (const std::vector<double>& m : {diagonal, matrix}) {
        std::vector<double> in(12, 1.0);
        in[1] = nan;  // top left, channel 1: read as itself, as the next one, and as the mirrored next one
        for (double value : moved<double>(in, size, m, {0, 0})) CHECK(std::isnan(value));
        in[1] = 1.0;
        in[0] = inf;
        const std::vector<double> out = moved<double>(in, size, m, {0, 0});
        CHECK(std::isinf(out[0]));
        for (std::size_t i = 1; i < out.size(); ++i) CHECK(i % 3 == 0 ? std::isnan(out[i]) : out[i] == 1.0);
    }
}

TEST(affine, negative_zero_becomes_zero) {
    CHECK(test::same(moved<float>({-0.0f, -0.0f}, {1, 2, 1}, {1, 1}, {0, 0}), {0.0f, 0.0f}));
    CHECK(test::same(moved<float>({-0.0f, -0.0f}, {1, 2, 1}, {1, 0, 0, 1}, {0, 0}), {0.0f, 0.0f}));
}

// The short computation for finite frames and the exact one for all others have the same bits, for any channels.
TEST(affine, both_ways_agree) {
    for (std::ptrdiff_t channels : {1, 2, 3, 4, 5}) {
        const Size size{40, 50, channels};
        std::vector<float> in = test::numbers<float>(40 * 50 * channels);
        const std::vector<double> diagonal{0.93, 0.95}, matrix{0.9, 0.1, -0.1, 0.9}, offset{1.3, 2.4};
        for (const std::vector<double>& m : {diagonal, matrix}) {
            const std::vector<float> finite = moved<float>(in, size, m, offset);
            std::vector<float> broken = in;
            broken.back() = static_cast<float>(nan);
            const std::vector<float> any = moved<float>(broken, size, m, offset);
            CHECK(std::memcmp(any.data(), finite.data(), finite.size() / 2 * sizeof(float)) == 0);
        }
        in.back() = static_cast<float>(nan);
        CHECK(std::isnan(moved<float>(in, size, {1, 1}, {0, 0}).back()));
    }
}

// Three channels have a loop of their own: each equals the result of one channel alone.
TEST(affine, channels_stay_apart) {
    const std::vector<double> in = test::numbers<double>(31 * 17 * 3);
    for (const std::vector<double>& m : {std::vector<double>{0.9, 1.1}, std::vector<double>{0.9, 0.2, -0.2, 0.9}}) {
        const std::vector<double> all = moved<double>(in, {31, 17, 3}, m, {2.5, 0.5});
        for (std::size_t c = 0; c < 3; ++c) {
            std::vector<double> one;
            for (std::size_t i = c; i < in.size(); i += 3) one.push_back(in[i]);
            one = moved<double>(one, {31, 17, 1}, m, {2.5, 0.5});
            for (std::size_t i = 0; i < one.size(); ++i) CHECK(std::memcmp(&one[i], &all[3 * i + c], 8) == 0);
        }
    }
}

TEST(affine, adjoint_by_hand) {
    const std::vector<float> row{1, 2, 4, 8};
    CHECK(test::same(brought_back<float>(row, {1, 4, 1}, {1, 0.5}, {0, 1}), {0, 2, 9, 4}));  // read 1, 1.5, 2, 2.5
    CHECK(test::same(brought_back<float>(row, {4, 1, 1}, {0.5, 1}, {1, 0}), {0, 2, 9, 4}));
    CHECK(test::same(brought_back<float>(row, {1, 4, 1}, {1, -1}, {0, 3}), {8, 4, 2, 1}));
    CHECK(test::same(brought_back<float>(row, {1, 2, 2}, {1, 0.5}, {0, 0.5}), {0.5f, 1, 4.5f, 9}));
    CHECK(test::same(brought_back<float>(row, {1, 4, 1}, {1, 1}, {0, 2}), {0, 0, 1, 2}));  // the others read outside
    CHECK(test::same(brought_back<float>(row, {2, 2, 1}, {0, 1, 1, 0}, {0, 0}), {1, 4, 2, 8}));
    CHECK(test::same(brought_back<float>(row, {2, 2, 1}, {0, 1}, {1, 0}, true), {5, 10, 0, 0}));
    CHECK(test::same(brought_back<float>({-0.0f}, {1, 1, 1}, {1, 1}, {0, 0}), {0.0f}));
    for (double bad : {nan, inf, -inf}) {
        CHECK(test::same(brought_back<float>(row, {2, 2, 1}, {bad, 1}, {0, 0}), {0, 0, 0, 0}));
        CHECK(test::same(brought_back<float>(row, {2, 2, 1}, {1, 0, 0, 1}, {bad, 0}), {0, 0, 0, 0}));
        CHECK(test::same(brought_back<float>(row, {2, 2, 1}, {1, bad, 0, 1}, {0, 0}), {0, 0, 0, 0}));
    }
    // A NaN reaches the four pixels that its output reads, the mirrored ones at the end too, and no other channel.
    const std::vector<double> out = brought_back<double>({1, 1, 1, 1, nan, 1}, {1, 3, 2}, {1, 1}, {0, 0});
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(i == 2 || i == 4 ? std::isnan(out[i]) : out[i] == 1);
}

// <T x, y> = <x, T' y>, over more rows than a thread keeps sums of.
TEST(affine, adjoint_is_the_transposed_matrix) {
    const Size size{103, 61, 3};
    const std::vector<double> x = test::numbers<double>(103 * 61 * 3, 1), y = test::numbers<double>(103 * 61 * 3, 2);
    for (const std::vector<double>& m : {std::vector<double>{0.9, 1.1}, std::vector<double>{0.9, 0.3, -0.3, 0.9},
                                         std::vector<double>{0.1, -1.2, 1.2, 0.1}}) {
        for (bool offset_first : {false, true}) {
            const std::vector<double> there = moved(x, size, m, {5.5, -4.25}, offset_first),
                                      back = brought_back(y, size, m, {5.5, -4.25}, offset_first);
            double left = 0, right = 0, sizes = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                left += there[i] * y[i];
                right += x[i] * back[i];
                sizes += std::abs(there[i] * y[i]);
            }
            CHECK(sizes > 0 && std::abs(left - right) <= 1e-12 * sizes);
        }
    }
}

template <class T>
void check_threads(std::vector<T> in) {
    const Size size{203, 101, 3};
    const std::vector<double> diagonal{0.95, -0.95}, matrix{1.2, 0.1, -0.1, 1.2}, offset{1.3, 99};
    for (int broken = 0; broken < 2; ++broken) {
        for (const std::vector<double>& m : {diagonal, matrix}) {
            const std::vector<T> once = moved(in, size, m, offset);
            const std::vector<T> back = brought_back(in, size, m, offset);
            for (int threads : {2, 3, 7}) {
                CHECK(test::same(moved(in, size, m, offset, false, threads), once));
                CHECK(test::same(brought_back(in, size, m, offset, false, threads), back));
            }
        }
        in[5000] = static_cast<T>(nan);
    }
}

TEST(affine, float_whatever_the_threads) { check_threads(test::numbers<float>(3 * 101 * 203)); }
TEST(affine, double_whatever_the_threads) { check_threads(test::numbers<double>(3 * 101 * 203)); }

}  // namespace
