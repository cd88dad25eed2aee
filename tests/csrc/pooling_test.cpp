#include "passes/pooling.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include "test.hpp"

namespace {

using pydream::Maximum;
using pydream::Pair;
using pydream::Windows;

template <class T>
constexpr T lowest = -static_cast<T>(std::numeric_limits<float>::max());

struct Case {
    std::ptrdiff_t maps;
    Pair bottom, top;
    Windows windows;
};

// As many windows as touch the map with as much padding on both sides: the last ones may leave it.
Case padded(std::ptrdiff_t maps, Pair kernel, Pair stride, Pair pad, Pair bottom) {
    Case c{maps, bottom, {}, {kernel, stride, pad}};
    for (std::size_t a = 0; a < 2; ++a) {
        c.top[a] = std::max<std::ptrdiff_t>(1, (bottom[a] + 2 * pad[a] - kernel[a] + stride[a] - 1) / stride[a] + 1);
    }
    return c;
}

std::ptrdiff_t count(const Case& c, const Pair& size) { return c.maps * size[0] * size[1]; }

// Many ties, some values that differ by less than 1e-9, some by little more, and what is not a finite number.
template <class T>
std::vector<T> values(std::ptrdiff_t n, unsigned seed) {
    std::mt19937 bits(seed);
    std::vector<T> out(static_cast<std::size_t>(n));
    for (T& x : out) {
        x = static_cast<T>(static_cast<int>(bits() % 5) - 2);
        const T shares[]{T{0}, T(1e-10), T(1.9e-9), T(2.1e-9), T(1e-6)};
        x *= 1 + shares[bits() % 5];
        const auto kind = bits() % 60;
        if (kind == 0) x = std::numeric_limits<T>::quiet_NaN();
        if (kind == 1) x = std::numeric_limits<T>::infinity();
        if (kind == 2) x = -std::numeric_limits<T>::infinity();
        if (kind == 3) x = -T{0};
        if (kind == 4) x = 2 * lowest<T>;  // below the padding; for a float, minus infinity
    }
    return out;
}

template <class T>
struct Pooled {
    std::vector<T> top;
    std::vector<std::uint8_t> winner;
};

template <class T>
Pooled<T> pool(const Case& c, const std::vector<T>& bottom, T tie, int threads) {
    const std::size_t n = static_cast<std::size_t>(count(c, c.top));
    Pooled<T> made{std::vector<T>(n, T{99}), std::vector<std::uint8_t>(n, 99)};
    pydream::pool_maximum(made.top.data(), made.winner.data(), c.top, bottom.data(), c.bottom, c.maps, c.windows,
                          Maximum<T>{lowest<T>, tie}, threads);
    return made;
}

// Calls visit(index in the top, place, index in the bottom or -1) window by window, place by place.
template <class Visit>
void each_place(const Case& c, const Visit& visit) {
    const auto& [kernel, stride, before] = c.windows;
    for (std::ptrdiff_t map = 0; map < c.maps; ++map)
        for (std::ptrdiff_t y = 0; y < c.top[0]; ++y)
            for (std::ptrdiff_t x = 0; x < c.top[1]; ++x)
                for (std::ptrdiff_t place = 0; place < kernel[0] * kernel[1]; ++place) {
                    const std::ptrdiff_t row = y * stride[0] + place / kernel[1] - before[0];
                    const std::ptrdiff_t column = x * stride[1] + place % kernel[1] - before[1];
                    const bool inside = 0 <= row && row < c.bottom[0] && 0 <= column && column < c.bottom[1];
                    visit((map * c.top[0] + y) * c.top[1] + x, place,
                          inside ? (map * c.bottom[0] + row) * c.bottom[1] + column : -1);
                }
}

template <class T>
Pooled<T> pool_plainly(const Case& c, const std::vector<T>& bottom, T tie) {
    Pooled<T> made{std::vector<T>(static_cast<std::size_t>(count(c, c.top))), {}};
    made.winner.resize(made.top.size());
    each_place(c, [&](std::ptrdiff_t to, std::ptrdiff_t place, std::ptrdiff_t from) {
        const T value = from < 0 ? lowest<T> : bottom.at(static_cast<std::size_t>(from));
        T& best = made.top.at(static_cast<std::size_t>(to));
        const T limit = tie > 0 ? best + tie * (1 + std::abs(best)) : best;
        if (place > 0 && !(value > limit)) return;
        best = value;
        made.winner.at(static_cast<std::size_t>(to)) = static_cast<std::uint8_t>(place);
    });
    return made;
}

// Place after place, each over all windows: the order in which NumPy's runtime adds.
template <class T>
std::vector<T> back_plainly(const Case& c, const std::vector<T>& diff, const std::vector<std::uint8_t>& winner,
                            const std::vector<T>* pooled) {
    std::vector<T> bottom(static_cast<std::size_t>(count(c, c.bottom)));
    for (std::ptrdiff_t turn = 0; turn < c.windows.kernel[0] * c.windows.kernel[1]; ++turn) {
        each_place(c, [&](std::ptrdiff_t from, std::ptrdiff_t place, std::ptrdiff_t to) {
            const std::size_t index = static_cast<std::size_t>(from);
            if (place != turn || winner.at(index) != turn || to < 0) return;
            if (pooled == nullptr || pooled->at(index) > 0) bottom.at(static_cast<std::size_t>(to)) += diff.at(index);
        });
    }
    return bottom;
}

template <class T>
void check_case(const Case& c) {
    const std::vector<T> bottom = values<T>(count(c, c.bottom), 1), diff = test::numbers<T>(count(c, c.top), 2);
    for (const T tie : {T{0}, T(1e-9)}) {
        const Pooled<T> wanted = pool_plainly(c, bottom, tie);
        for (const int threads : {1, 3}) {
            const Pooled<T> made = pool(c, bottom, tie, threads);
            CHECK(test::same(made.top, wanted.top));
            CHECK(made.winner == wanted.winner);
            for (const std::vector<T>* pooled : {static_cast<const std::vector<T>*>(nullptr), &made.top}) {
                std::vector<T> back(bottom.size(), T{99});
                pydream::pool_maximum_back(back.data(), c.bottom, diff.data(), made.winner.data(),
                                           pooled ? pooled->data() : nullptr, c.top, c.maps, c.windows, threads);
                CHECK(test::same(back, back_plainly(c, diff, made.winner, pooled)));
            }
        }
    }
}

void check_both(const Case& c) {
    check_case<float>(c);
    check_case<double>(c);
}

TEST(pooling, every_kernel_stride_and_padding_at_odd_sizes) {
    for (const std::ptrdiff_t kernel : {1, 2, 3, 5}) {
        for (const std::ptrdiff_t stride : {1, 2, 3, 7}) {
            for (const std::ptrdiff_t pad : {0, 1, 4}) {
                check_both(padded(2, {kernel, 3}, {stride, 2}, {pad, 1}, {11, 37}));
                check_both(padded(2, {3, kernel}, {2, stride}, {1, pad}, {9, 35}));
            }
        }
    }
}

// Vectors and what is left over of them, of any width.
TEST(pooling, widths_around_those_of_vectors) {
    for (std::ptrdiff_t width = 1; width <= 40; ++width) {
        check_both(padded(1, {3, 3}, {2, 2}, {0, 0}, {5, width}));
        check_both(padded(1, {3, 3}, {1, 1}, {1, 1}, {3, width}));
    }
}

TEST(pooling, windows_that_leave_the_map) {
    Case c = padded(2, {3, 2}, {2, 3}, {1, 1}, {5, 7});
    c.top = {9, 11};  // rows and columns of padding alone behind it
    check_both(c);
    c.windows.before = {20, 30};  // and before it
    check_both(c);
    c.top = {15, 14};
    check_both(c);
    c.windows.before = {-2, -3};  // starts within the map
    check_both(c);
    c.windows.before = {-50, -60};  // starts behind it
    check_both(c);
    c.windows = {{3, 2}, {1, 1}, {0, -60}};  // beside it
    check_both(c);
    check_both(padded(3, {10, 13}, {1, 1}, {9, 12}, {1, 1}));
    check_both(padded(1, {16, 16}, {5, 6}, {3, 15}, {17, 19}));  // 256 places
    check_both(padded(1, {1, 256}, {1, 9}, {0, 255}, {2, 30}));
}

TEST(pooling, maps_for_several_threads) {
    check_both(padded(29, {3, 3}, {1, 1}, {1, 1}, {61, 67}));
    check_both(padded(29, {3, 3}, {2, 2}, {0, 0}, {121, 67}));
}

// Of 1, a tie is up to 1 + 2e-9; the next value must beat the first one, not the one before it.
TEST(pooling, a_near_tie_leaves_the_first) {
    const Case c = padded(1, {1, 3}, {1, 1}, {0, 0}, {1, 3});
    const auto winner = [&](double a, double b, double d, double tie) {
        return pool<double>(c, {a, b, d}, tie, 1).winner.front();
    };
    CHECK(winner(1, 1 + 1.9e-9, 1, 1e-9) == 0);
    CHECK(winner(1, 1 + 2.1e-9, 1, 1e-9) == 1);
    CHECK(winner(1, 1 + 1.9e-9, 1 + 3.8e-9, 1e-9) == 2);
    CHECK(winner(1, 1 + 1.9e-9, 1 + 1.9e-9, 0) == 1);
    const double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(winner(nan, infinity, 1, 1e-9) == 0);
    CHECK(winner(0, nan, infinity, 1e-9) == 2);
    CHECK(winner(-infinity, 1, 2, 1e-9) == 0);  // what it must be more than is not a number
    CHECK(winner(-infinity, 1, 2, 0) == 2);
}

}  // namespace
