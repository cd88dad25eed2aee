// A minimal test framework: TEST(file, name) { CHECK(...); }
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

struct Case {
    const char *file, *name;
    void (*run)();
};

std::vector<Case>& cases();  // in main.cpp
const Case*& running();      // the case that main.cpp runs

inline void report(const char* text) { std::printf("FAILED %s: %s: %s\n", running()->file, running()->name, text); }

struct Registered {
    explicit Registered(const Case& c) { cases().push_back(c); }
};

inline void check(bool fact, const char* text, const char* file, int line) {
    if (fact) return;
    const std::string where = std::string(file) + ":" + std::to_string(line) + ": " + text;
#ifdef __cpp_exceptions
    throw std::runtime_error(where);
#else
    report(where.c_str());
    std::exit(1);
#endif
}

// Compares bits: 0 differs from -0, and a NaN equals itself.
template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// Returns n numbers of either sign and many magnitudes, the same in every run.
template <class T>
std::vector<T> numbers(std::ptrdiff_t n, unsigned seed = 1) {
    std::mt19937 bits(seed);
    std::vector<T> out(static_cast<std::size_t>(n));
    for (T& x : out)
        x = (static_cast<T>(bits()) - static_cast<T>(2147483648.0)) / static_cast<T>(1 << (bits() % 31));
    return out;
}

}  // namespace test

#define CHECK(fact) ::test::check((fact), #fact, __FILE__, __LINE__)
#define TEST(file, name)                                                                       \
    static void file##_##name();                                                               \
    static const ::test::Registered file##_##name##_registered{{#file, #name, file##_##name}}; \
    static void file##_##name()
