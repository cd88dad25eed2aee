#include "passes/lrn.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "test.hpp"

namespace {

using pydream::Normalisation;

struct Case {
    std::ptrdiff_t n, channels, plane, reach;
    double k, alpha, beta;
};

// What a formula gives, and the sum of what was added and subtracted for it, of which it can be off by rounding.
struct Value {
    long double value, scale;
};

template <class T>
void check_close(const std::vector<T>& ours, const std::vector<Value>& wanted) {
    CHECK(ours.size() == wanted.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const auto [value, scale] = wanted[i];
        if (std::isnan(value)) {
            CHECK(std::isnan(ours[i]));
        } else {
            const long double limit = 24 * static_cast<long double>(std::numeric_limits<T>::epsilon()) * scale;
            CHECK(std::isfinite(ours[i]) && std::abs(static_cast<long double>(ours[i]) - value) <= limit);
        }
    }
}

template <class T>
struct Arrays {
    std::vector<T> x, diff;
};

// Calls visit(index, first, last): of a value, and of those that count for it, `plane` apart.
template <class Visit>
void each_value(const Case& c, const Visit& visit) {
    for (std::ptrdiff_t i = 0; i < c.n * c.channels * c.plane; ++i) {
        const std::ptrdiff_t channel = i / c.plane % c.channels;
        const std::ptrdiff_t before = std::min(c.reach, channel), behind = std::min(c.reach, c.channels - 1 - channel);
        visit(static_cast<std::size_t>(i), static_cast<std::size_t>(i - before * c.plane),
              static_cast<std::size_t>(i + behind * c.plane));
    }
}

template <class T>
void check_formulas(const Case& c, const Arrays<T>& arrays) {
    const std::vector<T>&x = arrays.x, &diff = arrays.diff;
    const Normalisation<T> rule{static_cast<T>(c.k), static_cast<T>(c.alpha), static_cast<T>(c.beta), c.reach};
    const long double k = rule.k, alpha = rule.alpha, beta = rule.beta;
    const std::size_t step = static_cast<std::size_t>(c.plane);
    std::vector<long double> scale(x.size()), power(x.size());
    std::vector<Value> top(x.size()), back(x.size());
    each_value(c, [&](std::size_t i, std::size_t first, std::size_t last) {
        long double squares = 0;
        for (std::size_t at = first; at <= last; at += step) squares += static_cast<long double>(x[at]) * x[at];
        scale[i] = k + alpha * squares;
        power[i] = std::pow(scale[i], -beta);
        top[i] = {x[i] * power[i], std::abs(x[i] * power[i])};
    });
    each_value(c, [&](std::size_t i, std::size_t first, std::size_t last) {
        Value sum{0, 0};
        for (std::size_t at = first; at <= last; at += step) {
            const long double ratio = diff[at] * top[at].value / scale[at];
            sum = {sum.value + ratio, sum.scale + std::abs(ratio)};
        }
        const long double passed = diff[i] * power[i], factor = 2 * alpha * beta * x[i];
        back[i] = {passed - factor * sum.value, std::abs(passed) + std::abs(factor) * sum.scale};
    });
    std::vector<T> first(x.size()), first_back(x.size());
    for (const int threads : {1, 3}) {
        std::vector<T> ours(x.size(), T{99}), ours_back(x.size(), T{99});
        pydream::normalise(ours.data(), x.data(), c.n, c.channels, c.plane, rule, threads);
        pydream::normalise_back(ours_back.data(), x.data(), diff.data(), c.n, c.channels, c.plane, rule, threads);
        if (threads == 1) {
            check_close(ours, top);
            check_close(ours_back, back);
            first = ours;
            first_back = ours_back;
        }
        CHECK(test::same(ours, first));
        CHECK(test::same(ours_back, first_back));
    }
}

template <class T>
Arrays<T> arrays(const Case& c) {
    Arrays<T> made{test::numbers<T>(c.n * c.channels * c.plane, 1), test::numbers<T>(c.n * c.channels * c.plane, 2)};
    for (T& value : made.x) value = std::remainder(value, T{200});
    for (T& value : made.diff) value = std::remainder(value, T{3});
    return made;
}

void check_both(const Case& c) {
    check_formulas<float>(c, arrays<float>(c));
    check_formulas<double>(c, arrays<double>(c));
}

TEST(lrn, every_reach_and_number_of_channels) {
    for (const std::ptrdiff_t channels : {1, 2, 3, 5, 7, 16}) {
        for (const std::ptrdiff_t reach : {0, 1, 2, 3, 20}) check_both({2, channels, 33, reach, 1, 0.02, 0.75});
    }
}

TEST(lrn, every_power_and_places_around_vectors) {
    for (const double beta : {0.75, 0.5, 0.6, 1.0}) {
        for (std::ptrdiff_t plane = 1; plane <= 19; ++plane) check_both({1, 6, plane, 2, 2, 0.1, beta});
    }
}

// Parts of an image: a core's cache holds 24576 numbers.
TEST(lrn, parts_of_an_image_and_several_threads) {
    check_both({3, 3, 24001, 2, 1, 0.02, 0.75});
    check_both({2, 300, 170, 2, 1, 0.02, 0.75});
    check_both({1, 2000, 35, 2, 1, 0.02, 0.75});  // 16 places each
}

template <class T>
void check_not_finite() {
    const Case c{1, 9, 21, 2, 1, 0.02, 0.75};
    Arrays<T> made = arrays<T>(c);
    made.x[4 * 21 + 3] = std::numeric_limits<T>::quiet_NaN();
    made.x[2 * 21 + 8] = std::numeric_limits<T>::infinity();
    made.x[8 * 21 + 20] = -std::numeric_limits<T>::infinity();
    made.diff[1 * 21 + 12] = std::numeric_limits<T>::quiet_NaN();
    check_formulas(c, made);
}

// It spreads to the channels that are near enough, at its own place.
TEST(lrn, what_is_not_finite_spreads_as_the_formula_says) {
    check_not_finite<float>();
    check_not_finite<double>();
}

}  // namespace
