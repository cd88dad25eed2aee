// The C API: its results, and the arguments that it refuses.
#include "pydream.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "api.hpp"
#include "test.hpp"

extern "C" int header_refusals(void);  // in header_test.c

namespace {

constexpr std::ptrdiff_t most = PTRDIFF_MAX, whole = PYDREAM_SUM_WHOLE;

using test::Api;

TEST(pydream, is_c) { CHECK(header_refusals() == 18); }

TEST(pydream, version_is_the_headers) {
    CHECK(pydream_version() == std::to_string(PYDREAM_VERSION_MAJOR) + "." + std::to_string(PYDREAM_VERSION_MINOR) +
                                   "." + std::to_string(PYDREAM_VERSION_PATCH));
}

TEST(pydream, every_status_has_a_text) {
    const std::string none = pydream_status_text(-1);
    CHECK(none == pydream_status_text(PYDREAM_FAILED + 1) && none == pydream_status_text(12345));
    for (int a = PYDREAM_OK; a <= PYDREAM_FAILED; ++a) {
        CHECK(pydream_status_text(a) != none);
        for (int b = PYDREAM_OK; b < a; ++b) CHECK(std::string(pydream_status_text(a)) != pydream_status_text(b));
    }
}

template <class T>
void check_shifts() {
    using A = Api<T>;
    const std::vector<T> in{1, 2, 3, 4, 5, 6};  // (1, 2, 3), or (2, 1, 3)
    std::vector<T> out(6);
    for (std::ptrdiff_t turns : {-3, 0, 5}) {  // a shift by whole sizes changes nothing
        CHECK(A::roll(out.data(), in.data(), 1, 2, 3, 1 + 3 * turns, 1 + 2 * turns, 1) == PYDREAM_OK);
        CHECK(test::same(out, {6, 4, 5, 3, 1, 2}));
        CHECK(A::to_tensor(out.data(), in.data(), 1, 2, 3, 1 + 3 * turns, 1 - 2 * turns, 0, 1) == PYDREAM_OK);
        CHECK(test::same(out, {6, 4, 5, 3, 1, 2}));
        CHECK(A::to_tensor(out.data(), in.data(), 2, 1, 3, 1 - 3 * turns, turns, 1, 1) == PYDREAM_OK);
        CHECK(test::same(out, {3, 6, 1, 4, 2, 5}));
    }
    CHECK(A::roll(out.data(), in.data(), 1, 2, 3, most, -most - 1, 1) == PYDREAM_OK);  // 1 to the right, 0 down
    CHECK(test::same(out, most % 3 == 1 ? std::vector<T>{3, 1, 2, 6, 4, 5} : std::vector<T>{2, 3, 1, 5, 6, 4}));
}

TEST(pydream, float_shifts) { check_shifts<float>(); }
TEST(pydream, double_shifts) { check_shifts<double>(); }

template <class T>
void check_steps() {
    using A = Api<T>;
    const std::vector<T> four{0, 2, 4, 6};
    std::vector<T> nine(9);
    CHECK(A::zoom(nine.data(), four.data(), 1, 2, 2, 3, 3, 1) == PYDREAM_OK);
    CHECK(test::same(nine, {0, 1, 2, 2, 3, 4, 4, 5, 6}));

    const double zoom[] = {1, 2}, exchange[] = {0, 1, 1, 0}, back[] = {0, -1};
    std::vector<T> moved(4);
    // (1, 4, 1), along the width at 2 * x - 1 and at 2 * (x - 1)
    CHECK(A::affine_transform(moved.data(), four.data(), 1, 4, 1, zoom, 1, back, 0, 1) == PYDREAM_OK);
    CHECK(test::same(moved, {0, 2, 6, 0}));
    CHECK(A::affine_transform(moved.data(), four.data(), 1, 4, 1, zoom, 1, back, 1, 1) == PYDREAM_OK);
    CHECK(test::same(moved, {0, 0, 4, 0}));
    for (int offset_first : {0, 1}) {  // (2, 2, 1), at (x, y - 1) in both cases
        std::fill(moved.begin(), moved.end(), T{77});
        CHECK(A::affine_transform(moved.data(), four.data(), 2, 2, 1, exchange, 0, back, offset_first, 1) ==
              PYDREAM_OK);
        CHECK(test::same(moved, {0, 0, 0, 4}));
    }
    CHECK(A::affine_transform_adjoint(moved.data(), four.data(), 1, 4, 1, zoom, 1, back, 0, 1) == PYDREAM_OK);
    CHECK(test::same(moved, {0, 2, 0, 4}));
    CHECK(A::affine_transform_adjoint(moved.data(), four.data(), 1, 4, 1, zoom, 1, back, 1, 1) == PYDREAM_OK);
    CHECK(test::same(moved, {2, 0, 4, 0}));
    CHECK(A::affine_transform_adjoint(moved.data(), four.data(), 2, 2, 1, exchange, 0, back, 0, 1) == PYDREAM_OK);
    CHECK(test::same(moved, {4, 0, 6, 0}));
    const double nothing[] = {std::nan(""), 1};  // NaN: outside
    CHECK(A::affine_transform(moved.data(), four.data(), 2, 2, 1, nothing, 1, back, 0, 1) == PYDREAM_OK);
    CHECK(test::same(moved, {0, 0, 0, 0}));

    const std::vector<T> g{1, -2, 3, -6};
    T mean = 0;
    CHECK(A::mean_abs(&mean, g.data(), 4, whole, 1) == PYDREAM_OK && mean == 3);
    CHECK(A::mean_abs(&mean, g.data(), 4, 1, 1) == PYDREAM_OK && mean == 3);

    std::vector<T> x = four;
    CHECK(A::ascend(x.data(), g.data(), 4, 6, whole, 1) == PYDREAM_OK);
    CHECK(test::same(x, {2, -2, 10, -6}));
    const std::vector<T> low{0, -3}, high{1, 20};
    CHECK(A::clip(x.data(), low.data(), high.data(), 2, 2, 1) == PYDREAM_OK);
    CHECK(test::same(x, {1, 0, 10, -3}));

    // (2, 1, 2), one to the right: pixel 0 takes the gradient of pixel 1
    x = four;
    CHECK(A::ascend_tensor(x.data(), g.data(), 2, 1, 2, -1, 7, 0, 6, nullptr, nullptr, &mean, whole, 1) ==
          PYDREAM_OK);
    CHECK(mean == 3 && test::same(x, {-4, 4, -8, 12}));
    x = four;
    CHECK(A::ascend_tensor(x.data(), g.data(), 2, 1, 2, 1, 0, 1, 6, low.data(), high.data(), nullptr,
                           PYDREAM_SUM_BUFFERS, 1) == PYDREAM_OK);
    CHECK(test::same(x, {1, 1, -3, 2}));
}

TEST(pydream, float_steps_by_hand) { check_steps<float>(); }
TEST(pydream, double_steps_by_hand) { check_steps<double>(); }

template <class T>
void check_fused() {
    using A = Api<T>;
    const std::ptrdiff_t channels = 3, height = 201, width = 303, n = channels * height * width, ox = -40, oy = 1000;
    const std::vector<T> image = test::numbers<T>(n, 1), g = test::numbers<T>(n, 2);
    const std::vector<T> low{-1000, -500, 0}, high{1000, 500, 100};
    std::vector<T> g_last(g.size()), wanted(g.size()), rolled(g.size());
    CHECK(A::to_tensor(g_last.data(), g.data(), channels, height, width, 0, 0, 1, 1) == PYDREAM_OK);
    CHECK(A::roll(rolled.data(), image.data(), channels, height, width, ox, oy, 1) == PYDREAM_OK);
    CHECK(A::ascend(rolled.data(), g.data(), n, 1.5, PYDREAM_SUM_BUFFERS, 1) == PYDREAM_OK);
    CHECK(A::roll(wanted.data(), rolled.data(), channels, height, width, -ox, -oy, 1) == PYDREAM_OK);
    CHECK(A::clip(wanted.data(), low.data(), high.data(), channels, height * width, 1) == PYDREAM_OK);
    T wanted_mean = 0;
    CHECK(A::mean_abs(&wanted_mean, g.data(), n, PYDREAM_SUM_BUFFERS, 1) == PYDREAM_OK);
    for (int threads : {0, 1, 2, 7, 1024}) {
        for (int last : {0, 1, -1}) {
            std::vector<T> x = image;
            T mean = 0;
            CHECK(A::ascend_tensor(x.data(), last != 0 ? g_last.data() : g.data(), channels, height, width, ox, oy,
                                   last, 1.5, low.data(), high.data(), &mean, PYDREAM_SUM_BUFFERS,
                                   threads) == PYDREAM_OK);
            CHECK(mean == wanted_mean && test::same(x, wanted));
        }
    }
}

// ascend_tensor is roll, ascend, roll back and clip, in either layout and on any number of threads.
TEST(pydream, float_fused_is_the_four) { check_fused<float>(); }
TEST(pydream, double_fused_is_the_four) { check_fused<double>(); }

template <class T>
void check_no_step() {
    using A = Api<T>;
    constexpr T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    const std::vector<T> image{5, -6, 700};
    const T low = 0, high = 1;
    for (T value : {T{0}, infinity, nan, std::numeric_limits<T>::max(), std::numeric_limits<T>::denorm_min()}) {
        std::vector<T> x = image;
        const std::vector<T> g(3, value);
        T mean = 42;
        CHECK(A::ascend_tensor(x.data(), g.data(), 1, 1, 3, 0, 0, 1, 1.5, &low, &high, &mean, most, 1) ==
              PYDREAM_NO_STEP);
        CHECK(std::isnan(value) ? std::isnan(mean) : mean == (value > 1 ? infinity : value));
        CHECK(test::same(x, image));
    }
}

TEST(pydream, float_no_step_leaves_the_image) { check_no_step<float>(); }
TEST(pydream, double_no_step_leaves_the_image) { check_no_step<double>(); }

template <class T>
pydream_status ascend_tensor(T* image, const T* g, const T* low, const T* high, T* mean, std::ptrdiff_t block = whole,
                             int threads = 1, std::ptrdiff_t height = 2) {
    return Api<T>::ascend_tensor(image, g, 2, height, 2, 0, 0, 1, 1.5, low, high, mean, block, threads);
}

template <class T>
void check_refusals() {
    using A = Api<T>;
    const std::vector<T> before = test::numbers<T>(24);
    std::vector<T> memory = before;
    T *const x = memory.data(), *const y = x + 12, *const low = x + 20, *const high = x + 22;
    T mean = 42;
    constexpr std::ptrdiff_t elements = most / static_cast<std::ptrdiff_t>(sizeof(T));

    // null
    CHECK(A::roll(nullptr, y, 1, 2, 3, 0, 0, 1) == PYDREAM_NULL);
    CHECK(A::roll(x, nullptr, 1, 2, 3, 0, 0, 1) == PYDREAM_NULL);
    CHECK(A::to_tensor(nullptr, y, 1, 2, 3, 0, 0, 1, 1) == PYDREAM_NULL);
    CHECK(A::to_tensor(x, nullptr, 1, 2, 3, 0, 0, 1, 1) == PYDREAM_NULL);
    CHECK(A::zoom(nullptr, y, 1, 1, 2, 1, 3, 1) == PYDREAM_NULL);
    CHECK(A::zoom(x, nullptr, 1, 1, 2, 1, 3, 1) == PYDREAM_NULL);
    const double two[] = {1, 1};
    CHECK(A::affine_transform(nullptr, y, 1, 2, 3, two, 1, two, 0, 1) == PYDREAM_NULL);
    CHECK(A::affine_transform_adjoint(nullptr, y, 1, 2, 3, two, 1, two, 0, 1) == PYDREAM_NULL);
    CHECK(A::affine_transform(x, nullptr, 1, 2, 3, two, 1, two, 0, 1) == PYDREAM_NULL);
    CHECK(A::affine_transform_adjoint(x, nullptr, 1, 2, 3, two, 1, two, 0, 1) == PYDREAM_NULL);
    CHECK(A::affine_transform(x, y, 1, 2, 3, nullptr, 1, two, 0, 1) == PYDREAM_NULL);
    CHECK(A::affine_transform_adjoint(x, y, 1, 2, 3, nullptr, 1, two, 0, 1) == PYDREAM_NULL);
    CHECK(A::affine_transform(x, y, 1, 2, 3, two, 1, nullptr, 0, 1) == PYDREAM_NULL);
    CHECK(A::affine_transform_adjoint(x, y, 1, 2, 3, two, 1, nullptr, 0, 1) == PYDREAM_NULL);
    CHECK(A::mean_abs(nullptr, y, 2, whole, 1) == PYDREAM_NULL);
    CHECK(A::mean_abs(&mean, nullptr, 2, whole, 1) == PYDREAM_NULL);
    CHECK(A::ascend(nullptr, y, 2, 1.5, whole, 1) == PYDREAM_NULL);
    CHECK(A::ascend(x, nullptr, 2, 1.5, whole, 1) == PYDREAM_NULL);
    CHECK(A::clip(nullptr, low, high, 2, 2, 1) == PYDREAM_NULL && A::clip(x, nullptr, high, 2, 2, 1) == PYDREAM_NULL);
    CHECK(A::clip(x, low, nullptr, 2, 2, 1) == PYDREAM_NULL);
    CHECK(ascend_tensor<T>(nullptr, y, low, high, &mean) == PYDREAM_NULL);
    CHECK(ascend_tensor<T>(x, nullptr, low, high, &mean) == PYDREAM_NULL);
    CHECK(ascend_tensor<T>(x, y, nullptr, high, &mean) == PYDREAM_NULL);
    CHECK(ascend_tensor<T>(x, y, low, nullptr, &mean) == PYDREAM_NULL);
    CHECK(pydream_thread_count(nullptr) == PYDREAM_NULL);

    // sizes: below 1, or beyond PTRDIFF_MAX bytes although the product of all may wrap round to something small
    for (std::ptrdiff_t bad : {std::ptrdiff_t{0}, std::ptrdiff_t{-1}, -most - 1, elements + 1, most}) {
        CHECK(A::roll(x, y, bad, 1, 1, 0, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::roll(x, y, 1, bad, 1, 0, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::roll(x, y, 1, 1, bad, 0, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::to_tensor(x, y, 1, 1, bad, 0, 0, 1, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::zoom(x, y, bad, 1, 1, 2, 2, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::zoom(x, y, 1, bad, 1, 2, 2, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::zoom(x, y, 1, 1, bad, 2, 2, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::zoom(x, y, 1, 1, 1, bad, 1, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::zoom(x, y, 1, 1, 1, 1, bad, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::affine_transform(x, y, bad, 1, 1, two, 1, two, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::affine_transform_adjoint(x, y, bad, 1, 1, two, 1, two, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::affine_transform(x, y, 1, bad, 1, two, 1, two, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::affine_transform_adjoint(x, y, 1, bad, 1, two, 1, two, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::affine_transform(x, y, 1, 1, bad, two, 1, two, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::affine_transform_adjoint(x, y, 1, 1, bad, two, 1, two, 0, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::mean_abs(&mean, y, bad, whole, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::ascend(x, y, bad, 1.5, whole, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::clip(x, low, high, bad, 1, 1) == PYDREAM_BAD_SIZE);
        CHECK(A::clip(x, low, high, 1, bad, 1) == PYDREAM_BAD_SIZE);
        CHECK(ascend_tensor<T>(x, y, low, high, &mean, whole, 1, bad) == PYDREAM_BAD_SIZE);
    }
    const std::ptrdiff_t root = std::ptrdiff_t{1} << (sizeof(std::ptrdiff_t) * 4);
    CHECK(A::roll(x, y, 4, root, root, 0, 0, 1) == PYDREAM_BAD_SIZE);
    CHECK(A::zoom(x, y, root, 1, 2, 1, root, 1) == PYDREAM_BAD_SIZE);
    CHECK(A::clip(x, low, high, root, root, 1) == PYDREAM_BAD_SIZE);

    // overlap by one element, at either end; adjacent arrays do not overlap
    CHECK(A::roll(x, x, 1, 2, 3, 0, 0, 1) == PYDREAM_OVERLAP && A::roll(x, x + 5, 1, 2, 3, 0, 0, 1) == PYDREAM_OVERLAP);
    CHECK(A::to_tensor(x + 5, x, 1, 2, 3, 0, 0, 1, 1) == PYDREAM_OVERLAP);
    CHECK(A::zoom(x, x + 2, 1, 1, 2, 1, 3, 1) == PYDREAM_OVERLAP);
    CHECK(A::zoom(x + 1, x, 1, 1, 2, 1, 3, 1) == PYDREAM_OVERLAP);
    CHECK(A::affine_transform(x, x + 5, 1, 2, 3, two, 1, two, 0, 1) == PYDREAM_OVERLAP);
    CHECK(A::affine_transform_adjoint(x, x + 5, 1, 2, 3, two, 1, two, 0, 1) == PYDREAM_OVERLAP);
    double numbers[4] = {1, 1, 1, 1};
    auto* const over = reinterpret_cast<T*>(numbers + 3);  // the last of a (2, 2) matrix, not part of a (2,)
    CHECK(A::affine_transform(over, y, 1, 1, 1, numbers, 0, two, 0, 1) == PYDREAM_OVERLAP);
    CHECK(A::affine_transform_adjoint(over, y, 1, 1, 1, numbers, 0, two, 0, 1) == PYDREAM_OVERLAP);
    CHECK(A::affine_transform(over, y, 1, 1, 1, two, 1, numbers + 2, 0, 1) == PYDREAM_OVERLAP);
    CHECK(A::affine_transform_adjoint(over, y, 1, 1, 1, two, 1, numbers + 2, 0, 1) == PYDREAM_OVERLAP);
    CHECK(A::ascend(x, x + 3, 4, 1.5, whole, 1) == PYDREAM_OVERLAP);
    CHECK(A::clip(x, x + 3, high, 2, 2, 1) == PYDREAM_OVERLAP && A::clip(x + 1, low, x, 2, 2, 1) == PYDREAM_OVERLAP);
    CHECK(ascend_tensor<T>(x, x + 7, low, high, &mean) == PYDREAM_OVERLAP);
    CHECK(ascend_tensor<T>(x, y, x + 7, high, &mean) == PYDREAM_OVERLAP);
    CHECK(ascend_tensor<T>(x, y, low, x, &mean) == PYDREAM_OVERLAP);
    for (T* const into : {x, y, low, high}) CHECK(ascend_tensor<T>(x, y, low, high, into) == PYDREAM_OVERLAP);

    // blocks and threads
    for (std::ptrdiff_t block : {std::ptrdiff_t{0}, std::ptrdiff_t{-1}, -most - 1}) {
        CHECK(A::mean_abs(&mean, y, 4, block, 1) == PYDREAM_BAD_BLOCK);
        CHECK(A::ascend(x, y, 4, 1.5, block, 1) == PYDREAM_BAD_BLOCK);
        CHECK(ascend_tensor<T>(x, y, low, high, &mean, block) == PYDREAM_BAD_BLOCK);
    }
    for (int threads : {-1, 1025, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
        CHECK(A::roll(x, y, 1, 2, 3, 0, 0, threads) == PYDREAM_BAD_THREADS);
        CHECK(A::to_tensor(x, y, 1, 2, 3, 0, 0, 1, threads) == PYDREAM_BAD_THREADS);
        CHECK(A::zoom(x, y, 1, 1, 2, 1, 3, threads) == PYDREAM_BAD_THREADS);
        CHECK(A::affine_transform(x, y, 1, 2, 3, two, 1, two, 0, threads) == PYDREAM_BAD_THREADS);
        CHECK(A::affine_transform_adjoint(x, y, 1, 2, 3, two, 1, two, 0, threads) == PYDREAM_BAD_THREADS);
        CHECK(A::mean_abs(&mean, y, 4, whole, threads) == PYDREAM_BAD_THREADS);
        CHECK(A::ascend(x, y, 4, 1.5, whole, threads) == PYDREAM_BAD_THREADS);
        CHECK(A::clip(x, low, high, 2, 2, threads) == PYDREAM_BAD_THREADS);
        CHECK(ascend_tensor<T>(x, y, low, high, &mean, whole, threads) == PYDREAM_BAD_THREADS);
    }

    CHECK(mean == 42 && test::same(memory, before));  // nothing was written
    CHECK(A::roll(x, x + 6, 1, 2, 3, 0, 0, 1) == PYDREAM_OK && A::roll(x + 6, x, 1, 2, 3, 0, 0, 1) == PYDREAM_OK);
}

TEST(pydream, float_refusals) { check_refusals<float>(); }
TEST(pydream, double_refusals) { check_refusals<double>(); }

#ifdef PYDREAM_ONE_THREAD
TEST(pydream, one_thread_whatever_the_environment) {
    setenv("PYDREAM_NUM_THREADS", "7", 1);
    int count = 0;
    CHECK(pydream_thread_count(&count) == PYDREAM_OK && count == 1);
    unsetenv("PYDREAM_NUM_THREADS");
}
#elif !defined(_WIN32)
TEST(pydream, threads_of_the_environment) {
    const std::vector<float> in{1, 2};
    std::vector<float> out(2);
    int count = 0;
    setenv("PYDREAM_NUM_THREADS", "7", 1);
    CHECK(pydream_thread_count(&count) == PYDREAM_OK && count == 7);
    setenv("PYDREAM_NUM_THREADS", "two", 1);
    CHECK(pydream_thread_count(&count) == PYDREAM_BAD_THREADS && count == 7);
    CHECK(pydream_roll_f32(out.data(), in.data(), 1, 1, 2, 1, 0, 0) == PYDREAM_BAD_THREADS);
    CHECK(pydream_roll_f32(out.data(), in.data(), 1, 1, 2, 1, 0, 1) == PYDREAM_OK);  // the variable is not read
    unsetenv("PYDREAM_NUM_THREADS");
    CHECK(pydream_thread_count(&count) == PYDREAM_OK && count >= 1);
}
#endif

}  // namespace
