// pydream.h over the kernels: checks the arguments, calls a kernel, and returns a status. Nothing here throws.
#include "pydream.h"

#include <cstdint>

#include "affine.hpp"
#include "ascend.hpp"
#include "parallel.hpp"
#include "roll.hpp"
#include "sizes.hpp"
#include "zoom.hpp"

#define PYDREAM_TEXT(x) PYDREAM_TEXT_OF(x)
#define PYDREAM_TEXT_OF(x) #x

namespace {

// The arguments of one call: `error` is that of the first check that fails. The checks after it see sizes of 0.
class Arguments {
public:
    pydream_status error = PYDREAM_OK;

    void require(bool condition, pydream_status otherwise) {
        if (error == PYDREAM_OK && !condition) error = otherwise;
    }

    template <class... Pointers>
    void require_pointers(Pointers... pointers) {
        require((... && (pointers != nullptr)), PYDREAM_NULL);
    }

    // Returns the number of elements of an array with these sizes.
    template <class T>
    std::ptrdiff_t count_of(std::ptrdiff_t channels, std::ptrdiff_t height, std::ptrdiff_t width = 1) {
        const std::ptrdiff_t count = pydream::count_of<T>(channels, height, width);
        require(count > 0, PYDREAM_BAD_SIZE);
        return count;
    }

    template <class A, class B>
    void require_apart(const A* a, std::ptrdiff_t a_count, const B* b, std::ptrdiff_t b_count) {
        const auto a_at = reinterpret_cast<std::uintptr_t>(a), b_at = reinterpret_cast<std::uintptr_t>(b);
        const auto a_bytes = static_cast<std::uintptr_t>(a_count) * sizeof(A);
        const auto b_bytes = static_cast<std::uintptr_t>(b_count) * sizeof(B);
        require(a_at < b_at ? b_at - a_at >= a_bytes : a_at - b_at >= b_bytes, PYDREAM_OVERLAP);
    }

    // Returns the number of threads that `threads` stands for.
    int threads_of(int threads) {
        require(0 <= threads && threads <= pydream::most_threads, PYDREAM_BAD_THREADS);
        if (error != PYDREAM_OK || threads > 0) return threads;
        const int usual = pydream::usual_threads();
        require(usual > 0, PYDREAM_BAD_THREADS);
        return usual;
    }
};

pydream_status status_of(bool had_memory) { return had_memory ? PYDREAM_OK : PYDREAM_NO_MEMORY; }

// Returns the shift modulo size, in 0..size-1.
std::ptrdiff_t within(std::ptrdiff_t shift, std::ptrdiff_t size) {
    const std::ptrdiff_t rest = shift % size;
    return rest < 0 ? rest + size : rest;
}

template <class T>
pydream_status to_tensor(T* out, const T* in, std::ptrdiff_t channels, std::ptrdiff_t height, std::ptrdiff_t width,
                         std::ptrdiff_t ox, std::ptrdiff_t oy, bool channels_last, int threads) {
    Arguments arguments;
    arguments.require_pointers(out, in);
    const std::ptrdiff_t n = arguments.count_of<T>(channels, height, width);
    arguments.require_apart(out, n, in, n);
    const int most = arguments.threads_of(threads);
    if (arguments.error != PYDREAM_OK) return arguments.error;
    const auto kernel = channels_last ? pydream::roll_channels_last<T> : pydream::roll<T>;
    kernel(out, in, channels, height, width, within(ox, width), within(oy, height), most);
    return PYDREAM_OK;
}

template <class T>
pydream_status zoom(T* out, const T* in, std::ptrdiff_t channels, std::ptrdiff_t in_height, std::ptrdiff_t in_width,
                    std::ptrdiff_t out_height, std::ptrdiff_t out_width, int threads) {
    Arguments arguments;
    arguments.require_pointers(out, in);
    const std::ptrdiff_t in_count = arguments.count_of<T>(channels, in_height, in_width);
    arguments.require_apart(out, arguments.count_of<T>(channels, out_height, out_width), in, in_count);
    const int most = arguments.threads_of(threads);
    if (arguments.error != PYDREAM_OK) return arguments.error;
    return status_of(pydream::zoom(out, in, channels, in_height, in_width, out_height, out_width, most));
}

// The kernel is affine_transform or its adjoint.
template <class T, class Kernel>
pydream_status move(Kernel kernel, T* out, const T* in, std::ptrdiff_t height, std::ptrdiff_t width,
                    std::ptrdiff_t channels, const double* matrix, bool diagonal, const double* offset,
                    bool offset_first, int threads) {
    Arguments arguments;
    arguments.require_pointers(out, in, matrix, offset);
    const std::ptrdiff_t n = arguments.count_of<T>(channels, height, width);
    arguments.require_apart(out, n, in, n);
    arguments.require_apart(out, n, matrix, diagonal ? 2 : 4);
    arguments.require_apart(out, n, offset, 2);
    const int most = arguments.threads_of(threads);
    if (arguments.error != PYDREAM_OK) return arguments.error;
    return status_of(kernel(out, in, height, width, channels, matrix, diagonal, offset, offset_first, most));
}

template <class T>
pydream_status mean_abs(T* mean, const T* g, std::ptrdiff_t n, std::ptrdiff_t sum_block, int threads) {
    Arguments arguments;
    arguments.require_pointers(mean, g);
    arguments.require(sum_block >= 1, PYDREAM_BAD_BLOCK);
    arguments.count_of<T>(n, 1);
    const int most = arguments.threads_of(threads);
    if (arguments.error != PYDREAM_OK) return arguments.error;
    return status_of(pydream::mean_abs(mean, g, n, sum_block, most));
}

template <class T>
pydream_status ascend(T* x, const T* g, std::ptrdiff_t n, double step_size, std::ptrdiff_t sum_block, int threads) {
    Arguments arguments;
    arguments.require_pointers(x, g);
    arguments.require_apart(x, arguments.count_of<T>(n, 1), g, n);
    arguments.require(sum_block >= 1, PYDREAM_BAD_BLOCK);
    const int most = arguments.threads_of(threads);
    if (arguments.error != PYDREAM_OK) return arguments.error;
    T mean;
    if (!pydream::mean_abs(&mean, g, n, sum_block, most)) return PYDREAM_NO_MEMORY;
    pydream::ascend(x, g, n, pydream::rate_of(step_size, mean), most);
    return PYDREAM_OK;
}

template <class T>
pydream_status clip(T* x, const T* low, const T* high, std::ptrdiff_t channels, std::ptrdiff_t pixels, int threads) {
    Arguments arguments;
    arguments.require_pointers(x, low, high);
    const std::ptrdiff_t n = arguments.count_of<T>(channels, pixels);
    arguments.require_apart(x, n, low, channels);
    arguments.require_apart(x, n, high, channels);
    const int most = arguments.threads_of(threads);
    if (arguments.error != PYDREAM_OK) return arguments.error;
    pydream::clip(x, low, high, channels, pixels, most);
    return PYDREAM_OK;
}

template <class T>
pydream_status ascend_tensor(T* x, const T* g, std::ptrdiff_t channels, std::ptrdiff_t height, std::ptrdiff_t width,
                             std::ptrdiff_t ox, std::ptrdiff_t oy, bool channels_last, double step_size, const T* low,
                             const T* high, T* mean, std::ptrdiff_t sum_block, int threads) {
    Arguments arguments;
    arguments.require_pointers(x, g);
    arguments.require((low == nullptr) == (high == nullptr), PYDREAM_NULL);
    const std::ptrdiff_t n = arguments.count_of<T>(channels, height, width);
    arguments.require_apart(x, n, g, n);
    if (low != nullptr) {
        arguments.require_apart(x, n, low, channels);
        arguments.require_apart(x, n, high, channels);
    }
    if (mean != nullptr) {
        arguments.require_apart(mean, 1, x, n);
        arguments.require_apart(mean, 1, g, n);
        if (low != nullptr) {
            arguments.require_apart(mean, 1, low, channels);
            arguments.require_apart(mean, 1, high, channels);
        }
    }
    arguments.require(sum_block >= 1, PYDREAM_BAD_BLOCK);
    const int most = arguments.threads_of(threads);
    if (arguments.error != PYDREAM_OK) return arguments.error;
    T of_g;
    if (!(channels_last ? pydream::mean_abs_channels_last(&of_g, g, channels, height * width, sum_block, most)
                        : pydream::mean_abs(&of_g, g, n, sum_block, most))) {
        return PYDREAM_NO_MEMORY;
    }
    if (mean != nullptr) *mean = of_g;
    if (!pydream::can_ascend(step_size, of_g)) return PYDREAM_NO_STEP;
    pydream::ascend_rolled(x, g, channels_last, channels, height, width, within(ox, width), within(oy, height),
                           pydream::rate_of(step_size, of_g), low, high, most);
    return PYDREAM_OK;
}

}  // namespace

extern "C" {

const char* pydream_status_text(pydream_status status) noexcept {
    switch (status) {
        case PYDREAM_OK:
            return "no error";
        case PYDREAM_NULL:
            return "a required pointer is null, or one of low and high is null without the other";
        case PYDREAM_BAD_SIZE:
            return "a size is below 1, or an array would have more than PTRDIFF_MAX bytes";
        case PYDREAM_OVERLAP:
            return "an array that is written shares memory with another one; use a copy";
        case PYDREAM_BAD_BLOCK:
            return "sum_block is below 1 (expected PYDREAM_SUM_WHOLE or PYDREAM_SUM_BUFFERS)";
        case PYDREAM_BAD_THREADS:
            return "threads, or PYDREAM_NUM_THREADS if threads is 0, is not a whole number from 1 to 1024";
        case PYDREAM_NO_STEP:
            return "no step: mean|g| or step_size / mean|g| is not finite, or the mean is 0";
        case PYDREAM_NO_MEMORY:
            return "out of memory";
        case PYDREAM_FAILED:
            return "an internal error";
        default:
            return "not a status of pydream";
    }
}

const char* pydream_version(void) noexcept {
    return PYDREAM_TEXT(PYDREAM_VERSION_MAJOR) "." PYDREAM_TEXT(PYDREAM_VERSION_MINOR) "." PYDREAM_TEXT(
        PYDREAM_VERSION_PATCH);
}

pydream_status pydream_thread_count(int* count) noexcept {
    Arguments arguments;
    arguments.require_pointers(count);
    const int usual = arguments.threads_of(0);
    if (arguments.error == PYDREAM_OK) *count = usual;
    return arguments.error;
}

#define PYDREAM_DEFINE(T, suffix)                                                                                  \
    pydream_status pydream_roll_##suffix(T* out, const T* in, ptrdiff_t channels, ptrdiff_t height,                \
                                         ptrdiff_t width, ptrdiff_t ox, ptrdiff_t oy, int threads) noexcept {      \
        return to_tensor(out, in, channels, height, width, ox, oy, false, threads);                                \
    }                                                                                                              \
    pydream_status pydream_to_tensor_##suffix(T* out, const T* in, ptrdiff_t channels, ptrdiff_t height,           \
                                              ptrdiff_t width, ptrdiff_t ox, ptrdiff_t oy, int channels_last,      \
                                              int threads) noexcept {                                              \
        return to_tensor(out, in, channels, height, width, ox, oy, channels_last != 0, threads);                   \
    }                                                                                                              \
    pydream_status pydream_zoom_##suffix(T* out, const T* in, ptrdiff_t channels, ptrdiff_t in_height,             \
                                         ptrdiff_t in_width, ptrdiff_t out_height, ptrdiff_t out_width,            \
                                         int threads) noexcept {                                                   \
        return zoom(out, in, channels, in_height, in_width, out_height, out_width, threads);                       \
    }                                                                                                              \
    pydream_status pydream_affine_transform_##suffix(T* out, const T* in, ptrdiff_t height, ptrdiff_t width,       \
                                                     ptrdiff_t channels, const double* matrix, int diagonal,       \
                                                     const double* offset, int offset_first,                       \
                                                     int threads) noexcept {                                       \
        return move(pydream::affine_transform<T>, out, in, height, width, channels, matrix, diagonal != 0, offset, \
                    offset_first != 0, threads);                                                                   \
    }                                                                                                              \
    pydream_status pydream_affine_transform_adjoint_##suffix(                                                      \
        T* out, const T* in, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const double* matrix,          \
        int diagonal, const double* offset, int offset_first, int threads) noexcept {                              \
        return move(pydream::affine_transform_adjoint<T>, out, in, height, width, channels, matrix, diagonal != 0, \
                    offset, offset_first != 0, threads);                                                           \
    }                                                                                                              \
    pydream_status pydream_mean_abs_##suffix(T* mean, const T* g, ptrdiff_t n, ptrdiff_t sum_block,                \
                                             int threads) noexcept {                                               \
        return mean_abs(mean, g, n, sum_block, threads);                                                           \
    }                                                                                                              \
    pydream_status pydream_ascend_##suffix(T* x, const T* g, ptrdiff_t n, double step_size, ptrdiff_t sum_block,   \
                                           int threads) noexcept {                                                 \
        return ascend(x, g, n, step_size, sum_block, threads);                                                     \
    }                                                                                                              \
    pydream_status pydream_clip_##suffix(T* x, const T* low, const T* high, ptrdiff_t channels, ptrdiff_t pixels,  \
                                         int threads) noexcept {                                                   \
        return clip(x, low, high, channels, pixels, threads);                                                      \
    }                                                                                                              \
    pydream_status pydream_ascend_tensor_##suffix(T* x, const T* g, ptrdiff_t channels, ptrdiff_t height,          \
                                                  ptrdiff_t width, ptrdiff_t ox, ptrdiff_t oy, int channels_last,  \
                                                  double step_size, const T* low, const T* high, T* mean,          \
                                                  ptrdiff_t sum_block, int threads) noexcept {                     \
        return ascend_tensor(x, g, channels, height, width, ox, oy, channels_last != 0, step_size, low, high,      \
                             mean, sum_block, threads);                                                            \
    }
PYDREAM_DEFINE(float, f32)
PYDREAM_DEFINE(double, f64)

}  // extern "C"
