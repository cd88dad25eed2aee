// One call: which errors pydream.h promises for its arguments, and what may have changed after it.
#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "api.hpp"
#include "arrays.hpp"
#include "input.hpp"

extern std::atomic<int> allocations_left;  // of csrc/memory.hpp

namespace fuzz {

// What the environment says of threads.
class Environment {
public:
    explicit Environment(Input& input) : text_(input.text()), set_(input.flag()) {
        if (set_) setenv(name, text_.c_str(), 1);
    }
    ~Environment() { unsetenv(name); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    [[nodiscard]] bool says_nothing() const { return !set_ || text_.empty(); }

    // Returns the number, or 0 if it is not one from 1 to 1024.
    [[nodiscard]] int number() const {
        if (text_.find_first_not_of("0123456789") != std::string::npos) return 0;
        const std::size_t first = text_.find_first_not_of('0');
        if (first == std::string::npos || text_.size() - first > 4) return 0;
        const int number = std::atoi(text_.c_str() + first);
        return number <= 1024 ? number : 0;
    }
    [[nodiscard]] bool good() const { return says_nothing() || number() > 0; }

private:
    static constexpr const char* name = "PYDREAM_NUM_THREADS";
    std::string text_;
    bool set_;
};

class Call {
public:
    explicit Call(Input& input)
        : input_(input), environment_(input), arrays_(input), threads_(input.threads()), limit_(limit_of(input)) {
        if (threads_ < 0 || threads_ > 1024 || (threads_ == 0 && !environment_.good())) wrong(PYDREAM_BAD_THREADS);
    }

    // An argument is wrong: this is one of the errors that may be reported.
    void wrong(pydream_status status) { wrong_.insert(status); }

    // Returns the number of elements of an array of these sizes, or 0 if they are wrong.
    template <class T>
    std::ptrdiff_t count(std::ptrdiff_t a, std::ptrdiff_t b = 1, std::ptrdiff_t c = 1) {
        std::ptrdiff_t count = 0, bytes = 0;
        const auto size = static_cast<std::ptrdiff_t>(sizeof(T));
        if (a >= 1 && b >= 1 && c >= 1 && !__builtin_mul_overflow(a, b, &count) &&
            !__builtin_mul_overflow(count, c, &count) && !__builtin_mul_overflow(count, size, &bytes)) {
            return count;
        }
        wrong(PYDREAM_BAD_SIZE);
        return 0;
    }

    std::ptrdiff_t sum_block() {
        const std::ptrdiff_t block = input_.sum_block();
        if (block < 1) wrong(PYDREAM_BAD_BLOCK);
        return block;
    }

    // Returns an array, or null, which is wrong.
    template <class T>
    T* array(std::ptrdiff_t count) {
        return needed(maybe_array<T>(count));
    }

    // Returns an array, or null.
    template <class T>
    T* maybe_array(std::ptrdiff_t count) {
        return arrays_.make<T>(count, [this](T* numbers, std::ptrdiff_t n) { input_.fill(numbers, n); });
    }

    // The same for a matrix or an offset.
    const double* coefficients(std::ptrdiff_t count) {
        return needed(arrays_.make<double>(count, [this](double* numbers, std::ptrdiff_t n) {
            for (std::ptrdiff_t i = 0; i < n; ++i) numbers[i] = input_.coefficient();
        }));
    }

    // These arrays must not overlap.
    template <class A, class B>
    void apart(const A* a, std::ptrdiff_t a_count, const B* b, std::ptrdiff_t b_count) {
        if (a == nullptr || b == nullptr) return;
        const auto a_at = reinterpret_cast<std::uintptr_t>(a), b_at = reinterpret_cast<std::uintptr_t>(b);
        const auto a_end = a_at + static_cast<std::uintptr_t>(a_count) * sizeof(A);
        const auto b_end = b_at + static_cast<std::uintptr_t>(b_count) * sizeof(B);
        if (a_at < b_end && b_at < a_end) wrong(PYDREAM_OVERLAP);
    }

    // Runs function(threads) and returns its status: OK, one of those that are `possible` although the arguments are good,
    // or one that they ask for. Not if they promise larger arrays than there are: then it is FAILED.
    template <class Function>
    pydream_status run(const Function& function, const std::set<pydream_status>& possible) {
        if (wrong_.empty() && !arrays_.whole()) return PYDREAM_FAILED;
        arrays_.remember();
        allocations_left = limit_;
        const pydream_status status = function(threads_);
        allocations_left = no_limit;
        if (!wrong_.empty()) {
            require(wrong_.count(status) == 1, "wrong arguments have another status");
            arrays_.require_unchanged();
        } else {
            require(status == PYDREAM_OK || possible.count(status) == 1, "good arguments are refused");
            require(status != PYDREAM_NO_MEMORY || limit_ < no_limit, "no memory, although there is");
        }
        return status;
    }

    template <class T>
    T* before(T* array) {
        return arrays_.before(array);
    }

    // Requires that an array is equal to the reference, to the bit; which bits a NaN has may differ.
    template <class T>
    void expect(const T* array, const std::vector<T>& reference) {
        for (std::size_t i = 0; i < reference.size(); ++i) {
            const bool both_nan = std::isnan(array[i]) && std::isnan(reference[i]);
            require(both_nan || std::memcmp(array + i, &reference[i], sizeof(T)) == 0, "the result is another one");
        }
        forget(array, static_cast<std::ptrdiff_t>(reference.size()));
    }

    // Lets an array have changed.
    template <class T>
    void forget(const T* array, std::ptrdiff_t count) {
        arrays_.forget(array, count);
    }

    void require_unchanged() const { arrays_.require_unchanged(); }

    [[nodiscard]] const Environment& environment() const { return environment_; }

private:
    static constexpr int no_limit = std::numeric_limits<int>::max();

    static int limit_of(Input& input) { return input.one_in(8) ? input.in_range(0, 40) : no_limit; }

    template <class T>
    T* needed(T* array) {
        if (array == nullptr) wrong(PYDREAM_NULL);
        return array;
    }

    Input& input_;
    Environment environment_;
    Arrays arrays_;
    int threads_, limit_;
    std::set<pydream_status> wrong_;
};

}  // namespace fuzz
