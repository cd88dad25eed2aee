// Memory that runs out: a call returns a status, and no exception leaves it.
#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "pydream.h"
#include "test.hpp"

extern std::atomic<int> allocations_left;  // in allocations.cpp

namespace {

TEST(memory, more_than_can_be_counted_is_none) {
    const double in[] = {1, 2};
    // Never written: the call fails before.
    auto* const out = const_cast<double*>(in) + 2;
    const std::ptrdiff_t width = PTRDIFF_MAX / static_cast<std::ptrdiff_t>(sizeof(float));
    CHECK(pydream_zoom_f32(reinterpret_cast<float*>(out), reinterpret_cast<const float*>(in), 1, 1, 2, 1, width, 1) ==
          PYDREAM_NO_MEMORY);
}

// Whichever allocation fails, a thread's too, the call returns a status; with PYDREAM_OK the result is right. A call that
// allocates for threads alone does without.
template <class Call>
void check_out_of_memory(const Call& call, pydream_status with_none = PYDREAM_NO_MEMORY) {
    const std::vector<float> wanted = call().second;
    bool ran_out = true;
    for (int allowed = 0; ran_out; ++allowed) {
        CHECK(allowed < 1000);
        allocations_left = allowed;
        auto [status, result] = call();
        ran_out = allocations_left < 0;
        allocations_left = std::numeric_limits<int>::max();
        if (status == PYDREAM_OK) CHECK(test::same(result, wanted));
        if (status != PYDREAM_OK) CHECK(status == PYDREAM_NO_MEMORY);
        CHECK(allowed > 0 || status == with_none);
    }
}

TEST(memory, out_of_memory) {
    constexpr std::ptrdiff_t channels = 3, height = 200, width = 300, n = channels * height * width;
    const std::vector<float> image = test::numbers<float>(n, 1), g = test::numbers<float>(n, 2);
    // The result's memory is allocated before the counting and freed after it.
    const auto with_memory = [](std::ptrdiff_t count, const auto& work) {
        return [count, work] {
            const int left = allocations_left.exchange(std::numeric_limits<int>::max());
            std::vector<float> result(static_cast<std::size_t>(count));
            allocations_left = left;
            const pydream_status status = work(result.data());
            return std::make_pair(status, std::move(result));
        };
    };
    check_out_of_memory(with_memory(n, [&](float* to) {
        return pydream_zoom_f32(to, image.data(), channels, height, width / 2, height, width, 4);
    }));
    const std::vector<float> large = test::numbers<float>(3 << 20, 3);  // below, a roll starts no thread
    check_out_of_memory(
        with_memory(3 << 20, [&](float* to) { return pydream_roll_f32(to, large.data(), 3, 1024, 1024, 5, 6, 4); }),
        PYDREAM_OK);
    check_out_of_memory(with_memory(n, [&](float* to) {
        const double matrix[] = {0.95, 0.95}, offset[] = {5, 7.5};
        return pydream_affine_transform_f32(to, image.data(), height, width, channels, matrix, 1, offset, 0, 4);
    }));
    check_out_of_memory(with_memory(n, [&](float* to) {
        const double matrix[] = {0.95, 0.1, -0.1, 0.95}, offset[] = {5, 7.5};
        return pydream_affine_transform_f32(to, image.data(), height, width, channels, matrix, 0, offset, 0, 4);
    }));
    check_out_of_memory(with_memory(n, [&](float* to) {
        const double matrix[] = {0.95, 0.1, -0.1, 0.95}, offset[] = {5, 7.5};
        return pydream_affine_transform_adjoint_f32(to, image.data(), height, width, channels, matrix, 0, offset, 0, 4);
    }));
    check_out_of_memory(with_memory(n, [&](float* to) {
        return pydream_mean_abs_f32(to, g.data(), n, PYDREAM_SUM_WHOLE, 4);
    }));
    check_out_of_memory(with_memory(n, [&](float* to) {
        std::copy(image.begin(), image.end(), to);
        return pydream_ascend_f32(to, g.data(), n, 1.5, PYDREAM_SUM_WHOLE, 4);
    }));
    for (const int channels_last : {0, 1}) {
        check_out_of_memory(with_memory(n, [&](float* to) {
            std::copy(image.begin(), image.end(), to);
            return pydream_ascend_tensor_f32(to, g.data(), channels, height, width, 5, 6, channels_last, 1.5, nullptr,
                                             nullptr, nullptr, PYDREAM_SUM_BUFFERS, 4);
        }));
    }
}

}  // namespace
