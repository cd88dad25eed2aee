#include "roll.hpp"

#include "test.hpp"

namespace {

template <class T>
void check_roll(std::ptrdiff_t channels, std::ptrdiff_t height, std::ptrdiff_t width, std::ptrdiff_t ox,
                std::ptrdiff_t oy) {
    const std::vector<T> in = test::numbers<T>(channels * height * width);
    std::vector<T> rolled(in.size()), last(in.size());
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t y = 0; y < height; ++y) {
            for (std::ptrdiff_t x = 0; x < width; ++x) {
                const std::ptrdiff_t ry = (y + oy) % height, rx = (x + ox) % width;
                const T value = in[static_cast<std::size_t>((c * height + y) * width + x)];
                rolled[static_cast<std::size_t>((c * height + ry) * width + rx)] = value;
                last[static_cast<std::size_t>((ry * width + rx) * channels + c)] = value;
            }
        }
    }
    for (int threads : {1, 2, 3, 7}) {
        std::vector<T> out(in.size());
        pydream::roll(out.data(), in.data(), channels, height, width, ox, oy, threads);
        CHECK(test::same(out, rolled));
        std::vector<T> out_last(in.size());
        pydream::roll_channels_last(out_last.data(), in.data(), channels, height, width, ox, oy, threads);
        CHECK(test::same(out_last, last));
    }
}

template <class T>
void check_rolls() {
    check_roll<T>(1, 1, 1, 0, 0);
    for (std::ptrdiff_t channels : {1, 2, 3, 4, 5}) {
        for (std::ptrdiff_t width : {1, 2, 7, 33}) {
            for (std::ptrdiff_t ox : {std::ptrdiff_t{0}, width / 2, width - 1}) {
                check_roll<T>(channels, 5, width, ox, 0);
                check_roll<T>(channels, 5, width, ox, 4);
            }
        }
    }
    check_roll<T>(3, 1024, 1025, 32, 269);  // enough for several threads
    check_roll<T>(2, 301, 403, 371, 1);
}

TEST(roll, float_as_defined) { check_rolls<float>(); }
TEST(roll, double_as_defined) { check_rolls<double>(); }

TEST(roll, by_hand) {
    const std::vector<float> in{1, 2, 3, 4, 5, 6};  // (1, 2, 3)
    std::vector<float> out(6);
    pydream::roll(out.data(), in.data(), 1, 2, 3, 1, 1, 1);
    CHECK(test::same(out, {6, 4, 5, 3, 1, 2}));
    pydream::roll_channels_last(out.data(), in.data(), 2, 1, 3, 1, 0, 1);
    CHECK(test::same(out, {3, 6, 1, 4, 2, 5}));
}

}  // namespace
