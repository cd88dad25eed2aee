// Every function of pydream.h, called with what libFuzzer's bytes say: sizes, layouts, overlaps, threads, memory that
// runs out, and arguments that are refused. Results are compared with references.hpp to the bit, statuses with the
// header, and what a call must not change with what it was. CMakeLists.txt says how to build it.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "api.hpp"
#include "call.hpp"
#include "references.hpp"

namespace {

using fuzz::Call;
using fuzz::Input;
using fuzz::require;
using reference::Layout;
using test::Api;

constexpr std::ptrdiff_t most_channels = 5, most_pixels = 40, most_elements = 20000;  // along an axis; of a sum

void texts(Input& input) {
    const auto status = input.flag() ? input.any<pydream_status>() : input.in_range<pydream_status>(-2, 10);
    const std::string text = pydream_status_text(status), other = pydream_status_text(-1);
    require(!text.empty() && text.find('\n') == std::string::npos, "a status has no line of text");
    require((text == other) == (status < PYDREAM_OK || status > PYDREAM_FAILED), "a status has another's text");
    const std::string version = std::to_string(PYDREAM_VERSION_MAJOR) + "." + std::to_string(PYDREAM_VERSION_MINOR) +
                                "." + std::to_string(PYDREAM_VERSION_PATCH);
    require(pydream_version() == version, "the library has another version than the header");
}

void thread_count(Input& input) {
    const fuzz::Environment environment(input);
    constexpr int untouched = -7;
    int count = untouched;
    int* const to = input.one_in(8) ? nullptr : &count;
    const pydream_status status = pydream_thread_count(to);
    if (to == nullptr) {
        require(status == PYDREAM_NULL || (status == PYDREAM_BAD_THREADS && !environment.good()), "null is accepted");
    } else if (!environment.good()) {
        require(status == PYDREAM_BAD_THREADS && count == untouched, "a wrong variable is accepted");
    } else if (environment.says_nothing()) {
        require(status == PYDREAM_OK && count >= 1, "there is no processor");
    } else {
        require(status == PYDREAM_OK && count == environment.number(), "the variable says another number");
    }
}

template <class T>
void shift(Input& input, bool as_tensor) {
    Call call(input);
    const bool channels_last = as_tensor && input.flag();
    const Layout tensor{input.size(most_channels), input.size(most_pixels), input.size(most_pixels), channels_last};
    const std::ptrdiff_t ox = input.shift(), oy = input.shift();
    const std::ptrdiff_t n = call.count<T>(tensor.channels, tensor.height, tensor.width);
    T* const out = call.array<T>(n);
    const T* const in = call.array<T>(n);
    call.apart(out, n, in, n);
    const pydream_status status = call.run([&](int threads) {
        return as_tensor ? Api<T>::to_tensor(out, in, tensor.channels, tensor.height, tensor.width, ox, oy,
                                             channels_last ? 2 : 0, threads)
                         : Api<T>::roll(out, in, tensor.channels, tensor.height, tensor.width, ox, oy, threads);
        },
        {});
    if (status != PYDREAM_OK) return;
    call.expect(out, reference::to_tensor(call.before(in), tensor, ox, oy));
    call.require_unchanged();
}

template <class T>
void roll(Input& input) {
    shift<T>(input, false);
}

template <class T>
void to_tensor(Input& input) {
    shift<T>(input, true);
}

template <class T>
void zoom(Input& input) {
    Call call(input);
    const Layout from{input.size(most_channels), input.size(most_pixels), input.size(most_pixels), false};
    const std::ptrdiff_t height = input.size(most_pixels), width = input.size(most_pixels);
    const std::ptrdiff_t in_count = call.count<T>(from.channels, from.height, from.width);
    const std::ptrdiff_t out_count = call.count<T>(from.channels, height, width);
    T* const out = call.array<T>(out_count);
    const T* const in = call.array<T>(in_count);
    call.apart(out, out_count, in, in_count);
    const pydream_status status = call.run([&](int threads) {
        return Api<T>::zoom(out, in, from.channels, from.height, from.width, height, width, threads);
        },
        {PYDREAM_NO_MEMORY});
    if (status == PYDREAM_NO_MEMORY) {
        call.forget(out, out_count);
    } else if (status == PYDREAM_OK) {
        call.expect(out, reference::zoom<T>(call.before(in), from, height, width));
    } else {
        return;
    }
    call.require_unchanged();
}

template <class T>
void move(Input& input, bool adjoint) {
    Call call(input);
    const Layout frame{input.size(most_channels), input.size(most_pixels), input.size(most_pixels), true};
    const bool diagonal = input.flag(), offset_first = input.flag();
    const std::ptrdiff_t n = call.count<T>(frame.channels, frame.height, frame.width), m = diagonal ? 2 : 4;
    T* const out = call.array<T>(n);
    const T* const in = call.array<T>(n);
    const double* const matrix = call.coefficients(m);
    const double* const offset = call.coefficients(2);
    call.apart(out, n, in, n);
    call.apart(out, n, matrix, m);
    call.apart(out, n, offset, 2);
    const pydream_status status = call.run([&](int threads) {
        const auto function = adjoint ? Api<T>::affine_transform_adjoint : Api<T>::affine_transform;
        return function(out, in, frame.height, frame.width, frame.channels, matrix, diagonal ? -1 : 0, offset,
                        offset_first ? 1 : 0, threads);
        },
        {PYDREAM_NO_MEMORY});
    if (status == PYDREAM_NO_MEMORY) {
        call.forget(out, n);
    } else if (status == PYDREAM_OK) {
        const reference::Map map{call.before(matrix), call.before(offset), diagonal, offset_first};
        const T* const from = call.before(in);
        call.expect(out, adjoint ? reference::affine_transform_adjoint(from, frame, map)
                                 : reference::affine_transform(from, frame, map));
    } else {
        return;
    }
    call.require_unchanged();
}

template <class T>
void affine_transform(Input& input) {
    move<T>(input, false);
}

template <class T>
void affine_transform_adjoint(Input& input) {
    move<T>(input, true);
}

template <class T>
void mean_abs(Input& input) {
    Call call(input);
    const std::ptrdiff_t length = input.size(most_elements), block = call.sum_block();
    const std::ptrdiff_t n = call.count<T>(length);
    T* const mean = call.array<T>(1);
    const T* const g = call.array<T>(n);
    const pydream_status status = call.run(
        [&](int threads) { return Api<T>::mean_abs(mean, g, length, block, threads); }, {PYDREAM_NO_MEMORY});
    if (status == PYDREAM_NO_MEMORY) call.require_unchanged();
    if (status == PYDREAM_OK) {
        call.expect(mean, std::vector<T>{reference::mean_abs(call.before(g), n, block)});
        call.require_unchanged();
    }
}

template <class T>
void ascend(Input& input) {
    Call call(input);
    const std::ptrdiff_t length = input.size(most_elements), block = call.sum_block();
    const double step_size = input.coefficient();
    const std::ptrdiff_t n = call.count<T>(length);
    T* const x = call.array<T>(n);
    const T* const g = call.array<T>(n);
    call.apart(x, n, g, n);
    const pydream_status status = call.run(
        [&](int threads) { return Api<T>::ascend(x, g, length, step_size, block, threads); }, {PYDREAM_NO_MEMORY});
    if (status == PYDREAM_NO_MEMORY) call.require_unchanged();
    if (status == PYDREAM_OK) {
        const T rate = static_cast<T>(step_size) / reference::mean_abs(call.before(g), n, block);
        call.expect(x, reference::ascended(call.before(x), call.before(g), {1, 1, n, false}, 0, 0, rate));
        call.require_unchanged();
    }
}

template <class T>
void clip(Input& input) {
    Call call(input);
    const std::ptrdiff_t channels = input.size(most_channels), pixels = input.size(most_pixels * most_pixels);
    const std::ptrdiff_t n = call.count<T>(channels, pixels);
    T* const x = call.array<T>(n);
    const T* const low = call.array<T>(channels);
    const T* const high = input.one_in(8) ? low : call.array<T>(channels);
    call.apart(x, n, low, channels);
    call.apart(x, n, high, channels);
    const pydream_status status =
        call.run([&](int threads) { return Api<T>::clip(x, low, high, channels, pixels, threads); }, {});
    if (status == PYDREAM_OK) {
        std::vector<T> wanted(call.before(x), call.before(x) + n);
        reference::clip(wanted, call.before(low), call.before(high), pixels);
        call.expect(x, wanted);
        call.require_unchanged();
    }
}

template <class T>
void ascend_tensor(Input& input) {
    Call call(input);
    const Layout tensor{input.size(most_channels), input.size(most_pixels), input.size(most_pixels), input.flag()};
    const std::ptrdiff_t channels = tensor.channels, ox = input.shift(), oy = input.shift(), block = call.sum_block();
    const double step_size = input.coefficient();
    const bool clips = input.flag();
    const std::ptrdiff_t n = call.count<T>(channels, tensor.height, tensor.width);
    T* const x = call.array<T>(n);
    const T* const g = call.array<T>(n);
    const T* const low = clips ? call.maybe_array<T>(channels) : nullptr;
    const T* const high = clips ? call.maybe_array<T>(channels) : nullptr;
    T* const mean = input.flag() ? call.maybe_array<T>(1) : nullptr;
    if ((low == nullptr) != (high == nullptr)) call.wrong(PYDREAM_NULL);
    call.apart(x, n, g, n);
    call.apart(x, n, low, channels);
    call.apart(x, n, high, channels);
    call.apart(mean, 1, x, n);
    call.apart(mean, 1, g, n);
    call.apart(mean, 1, low, channels);
    call.apart(mean, 1, high, channels);
    const pydream_status status = call.run(
        [&](int threads) {
            return Api<T>::ascend_tensor(x, g, channels, tensor.height, tensor.width, ox, oy,
                                         tensor.channels_last ? 1 : 0, step_size, low, high, mean, block, threads);
        },
        {PYDREAM_NO_MEMORY, PYDREAM_NO_STEP});
    if (status == PYDREAM_NO_MEMORY) call.require_unchanged();
    if (status != PYDREAM_OK && status != PYDREAM_NO_STEP) return;
    // The sum runs in the order of (channels, height, width), whichever layout g has.
    const std::vector<T> ordered = reference::in_order(call.before(g), tensor);
    const T of_g = reference::mean_abs(ordered.data(), n, block), rate = static_cast<T>(step_size) / of_g;
    require((status == PYDREAM_OK) == (std::isfinite(of_g) && of_g != 0 && std::isfinite(rate)), "a wrong NO_STEP");
    if (status == PYDREAM_OK) {
        std::vector<T> wanted = reference::ascended(call.before(x), call.before(g), tensor, ox, oy, rate);
        if (low != nullptr) {
            reference::clip(wanted, call.before(low), call.before(high), tensor.height * tensor.width);
        }
        call.expect(x, wanted);
    }
    if (mean != nullptr) call.expect(mean, std::vector<T>{of_g});
    call.require_unchanged();
}

template <class T>
void one_of(Input& input) {
    constexpr void (*all[])(Input&) = {roll<T>,     to_tensor<T>, zoom<T>, affine_transform<T>, affine_transform_adjoint<T>,
                                       mean_abs<T>, ascend<T>,    clip<T>, ascend_tensor<T>};
    all[input.in_range<std::size_t>(0, std::size(all) - 1)](input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    switch (input.in_range(0, 9)) {
        case 0:
            texts(input);
            break;
        case 1:
            thread_count(input);
            break;
        default:
            input.flag() ? one_of<float>(input) : one_of<double>(input);
    }
    return 0;
}
