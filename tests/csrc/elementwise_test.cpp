#include "passes/elementwise.hpp"

#include <limits>

#include "test.hpp"

namespace {

constexpr std::ptrdiff_t sizes[]{1, 2, 3, 7, 8, 9, 31, 33, 2047, 2048, 2049, 300001};

// Numbers of either sign, zeros of either sign, and what is not a finite number.
template <class T>
std::vector<T> values(std::ptrdiff_t n, unsigned seed) {
    std::vector<T> out = test::numbers<T>(n, seed);
    const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    const T others[]{nan, infinity, -infinity, T{0}, -T{0}, std::numeric_limits<T>::denorm_min()};
    for (std::size_t i = seed; i < out.size(); i += 5) out[i] = others[i / 5 % 6];
    return out;
}

template <class T>
void check_rectify() {
    for (const std::ptrdiff_t n : sizes) {
        const std::vector<T> x = values<T>(n, 1), others = values<T>(n, 2);
        for (const T slope : {T{0}, T(0.3), T(-2)}) {
            for (const std::vector<T>* chosen : {&x, &others}) {
                std::vector<T> wanted(x.size());
                for (std::size_t i = 0; i < x.size(); ++i) {
                    const T below = slope == 0 ? T{0} : slope * (*chosen)[i];
                    wanted[i] = x[i] > 0 ? (*chosen)[i] : below;
                }
                for (const int threads : {1, 3}) {
                    std::vector<T> out(x.size(), T{99});
                    pydream::rectify(out.data(), x.data(), chosen->data(), n, slope, threads);
                    CHECK(test::same(out, wanted));
                }
            }
        }
    }
}

TEST(elementwise, rectified_values_and_gradients) {
    check_rectify<float>();
    check_rectify<double>();
}

template <class T>
void check_sums() {
    for (const std::ptrdiff_t n : sizes) {
        std::vector<std::vector<T>> terms;
        std::vector<const T*> pointers;
        std::vector<T> wanted;
        for (unsigned seed = 1; seed <= 4; ++seed) {
            terms.push_back(test::numbers<T>(n, seed));
            if (seed == 3) terms.back().front() = std::numeric_limits<T>::infinity();
        }
        terms.push_back(terms[1]);
        for (const std::vector<T>& term : terms) {
            pointers.push_back(term.data());
            if (wanted.empty()) {
                wanted = term;
                continue;
            }
            for (std::size_t i = 0; i < term.size(); ++i) wanted[i] += term[i];
            for (const int threads : {1, 3}) {
                std::vector<T> out(term.size(), T{99});
                pydream::add_up(out.data(), pointers, n, threads);
                CHECK(test::same(out, wanted));
            }
        }
        std::vector<T> twice(terms[0].size()), out(twice);
        for (std::size_t i = 0; i < twice.size(); ++i) twice[i] = terms[0][i] + terms[0][i];
        pydream::add_up(out.data(), {pointers[0], pointers[0]}, n, 1);
        CHECK(test::same(out, twice));
    }
}

TEST(elementwise, sums_in_their_order) {
    check_sums<float>();
    check_sums<double>();
}

template <class T>
void check_join(std::ptrdiff_t n, const std::vector<std::ptrdiff_t>& lengths) {
    std::vector<std::vector<T>> parts;
    std::vector<const T*> pointers;
    for (const std::ptrdiff_t length : lengths) {
        parts.push_back(values<T>(n * length, static_cast<unsigned>(parts.size())));
    }
    std::vector<T> wanted;
    for (std::ptrdiff_t row = 0; row < n; ++row) {
        for (std::size_t p = 0; p < parts.size(); ++p) {
            for (std::ptrdiff_t i = 0; i < lengths[p]; ++i) {
                wanted.push_back(parts[p].at(static_cast<std::size_t>(row * lengths[p] + i)));
            }
        }
    }
    for (const std::vector<T>& part : parts) pointers.push_back(part.data());
    for (const int threads : {1, 2, 3}) {
        std::vector<T> out(wanted.size(), T{99});
        pydream::join(out.data(), pointers, lengths, n, threads);
        CHECK(test::same(out, wanted));
    }
}

TEST(elementwise, parts_side_by_side) {
    for (const std::ptrdiff_t n : {1, 2, 7}) {
        check_join<float>(n, {5});
        check_join<double>(n, {1, 2, 3});
        check_join<float>(n, {40000, 3, 70001});
        check_join<double>(n, {3, 40000, 70001, 1});
    }
    check_join<double>(50000, {1, 4, 2});
}

}  // namespace
