// What libFuzzer's bytes stand for: sizes, numbers, threads. Where they end, each is the first of its kind.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

namespace fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}

    template <class Integer>
    Integer any() {
        return bytes_.ConsumeIntegral<Integer>();
    }
    template <class Integer>
    Integer in_range(Integer first, Integer last) {
        return bytes_.ConsumeIntegralInRange<Integer>(first, last);
    }
    bool flag() { return bytes_.ConsumeBool(); }
    bool one_in(int n) { return in_range(1, n) == n; }

    // Returns a size, up to `most` as a rule.
    std::ptrdiff_t size(std::ptrdiff_t most) { return one_in(64) ? odd() : in_range<std::ptrdiff_t>(1, most); }

    // Returns a shift of either sign and any size.
    std::ptrdiff_t shift() { return one_in(8) ? odd() : in_range<std::ptrdiff_t>(-100, 100); }

    std::ptrdiff_t sum_block() {
        switch (in_range(0, 3)) {
            case 0:
                return PTRDIFF_MAX;
            case 1:
                return 8192;
            case 2:
                return in_range<std::ptrdiff_t>(1, 300);
            default:
                return one_in(8) ? odd() : in_range<std::ptrdiff_t>(1, 10000);
        }
    }

    // Returns a number of threads, 1..4 as a rule.
    int threads() {
        if (one_in(16)) return any<int>();
        return one_in(16) ? in_range(1020, 1026) : in_range(0, 4);
    }

    // Returns a value for PYDREAM_NUM_THREADS.
    std::string text() {
        switch (in_range(0, 3)) {
            case 0:
                return "";
            case 1:
                return std::to_string(in_range(-1, 1030));
            case 2:
                return std::to_string(any<std::int64_t>());
            default: {
                const std::string bytes = bytes_.ConsumeRandomLengthString(20);
                return bytes.substr(0, bytes.find('\0'));
            }
        }
    }

    // Returns an element of a matrix or an offset, or a step's size.
    double coefficient() {
        switch (in_range(0, 3)) {
            case 0:
                return in_range(-64, 64) / 16.0;
            case 1:
                return 1.0 + in_range(-100, 100) / 1000.0;
            case 2:
                return in_range(-1000, 1000);
            default:
                return from_bits<double>(any<std::uint64_t>());
        }
    }

    // Writes numbers that follow from a few bytes: pixels, equal ones, any bits, and among them some that are not finite.
    template <class T>
    void fill(T* numbers, std::ptrdiff_t count) {
        constexpr T odd_ones[] = {T{0},
                                  -T{0},
                                  std::numeric_limits<T>::infinity(),
                                  -std::numeric_limits<T>::infinity(),
                                  std::numeric_limits<T>::quiet_NaN(),
                                  std::numeric_limits<T>::max(),
                                  std::numeric_limits<T>::denorm_min(),
                                  std::numeric_limits<T>::lowest()};
        const int kind = in_range(0, 3), rare = in_range(0, 3);
        std::uint64_t state = any<std::uint32_t>();
        for (std::ptrdiff_t i = 0; i < count; ++i) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            const std::uint64_t bits = state ^ (state >> 29);
            if (kind == 0) {
                numbers[i] = static_cast<T>(static_cast<double>(bits >> 40) / 65536.0 - 128.0);
            } else if (kind == 1) {
                numbers[i] = static_cast<T>(static_cast<double>(bits >> 56));
            } else if (kind == 2) {
                numbers[i] = static_cast<T>(static_cast<double>(state >> 63) - 0.5);
            } else {
                numbers[i] = from_bits<T>(bits);
            }
            if (rare == 3 && (bits >> 33) % 16 == 0) numbers[i] = odd_ones[bits % 8];
        }
        if (rare == 2 && count > 0) {
            const auto at = static_cast<std::ptrdiff_t>(any<std::uint32_t>() % static_cast<std::uint64_t>(count));
            numbers[at] = odd_ones[in_range(0, 7)];
        }
    }

private:
    // Returns a whole number that is likely to overflow.
    std::ptrdiff_t odd() {
        constexpr std::ptrdiff_t some[] = {0, -1, PTRDIFF_MAX, PTRDIFF_MIN, PTRDIFF_MAX / 4, PTRDIFF_MAX / 8, INT_MAX};
        const auto which = in_range<std::size_t>(0, std::size(some) + 1);
        if (which < std::size(some)) return some[which];
        return which == std::size(some) ? std::ptrdiff_t{1} << in_range(0, 62) : any<std::ptrdiff_t>();
    }

    template <class T>
    static T from_bits(std::uint64_t bits) {
        T number;
        std::memcpy(&number, reinterpret_cast<const unsigned char*>(&bits) + sizeof bits - sizeof number, sizeof number);
        return number;
    }

    FuzzedDataProvider bytes_;
};

}  // namespace fuzz
