// The loops of tile_body.hpp for the baseline of a processor, for AVX2 with FMA, and for AVX-512.
//
// Attributes of functions choose the instructions: files with flags of their own would also compile inline functions of
// the standard library for them, and the linker might take those for every machine.
#include "passes/tile.hpp"

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#if defined(__clang__)
#define PYDREAM_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define PYDREAM_UNROLL _Pragma("GCC unroll 8")
#else
#define PYDREAM_UNROLL
#endif

#ifdef __GNUC__
#define PYDREAM_PREFETCH(address) __builtin_prefetch(address, 0, 2)  // to read, into the second cache
#else
#define PYDREAM_PREFETCH(address) static_cast<void>(address)
#endif

// GCC for Windows keeps vectors of 32 bytes and more on a stack that is aligned for 16, and what moves them expects more.
#if defined(__x86_64__) && defined(__GNUC__) && !(defined(_WIN32) && !defined(__clang__))
#define PYDREAM_WIDER_TILES
#endif

namespace pydream {

namespace {

#ifndef __GNUC__
// A vector for compilers that have none.
template <class T, std::size_t lanes>
struct Scalars {
    T lane[lanes];

    Scalars& operator+=(const Scalars& other) {
        for (std::size_t i = 0; i < lanes; ++i) lane[i] += other.lane[i];
        return *this;
    }
    Scalars& operator+=(T other) {
        for (std::size_t i = 0; i < lanes; ++i) lane[i] += other;
        return *this;
    }
    friend Scalars operator*(T factor, const Scalars& x) {
        Scalars product;
        for (std::size_t i = 0; i < lanes; ++i) product.lane[i] = factor * x.lane[i];
        return product;
    }
    friend Scalars where_positive(const Scalars& test, const Scalars& value) {
        Scalars chosen;
        for (std::size_t i = 0; i < lanes; ++i) chosen.lane[i] = test.lane[i] > 0 ? value.lane[i] : T{0};
        return chosen;
    }
};
#endif

namespace baseline {
#define PYDREAM_VECTOR_BYTES 16
#define PYDREAM_TILE_ROWS 4
#include "passes/tile_body.hpp"
#undef PYDREAM_VECTOR_BYTES
#undef PYDREAM_TILE_ROWS
}  // namespace baseline

#ifdef PYDREAM_WIDER_TILES
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
#define PYDREAM_VECTOR_BYTES 32
#define PYDREAM_TILE_ROWS 4
#include "passes/tile_body.hpp"
#undef PYDREAM_VECTOR_BYTES
#undef PYDREAM_TILE_ROWS
}  // namespace avx2
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif
namespace avx512 {
#define PYDREAM_VECTOR_BYTES 64
#define PYDREAM_TILE_ROWS 8
#include "passes/tile_body.hpp"
#undef PYDREAM_VECTOR_BYTES
#undef PYDREAM_TILE_ROWS
}  // namespace avx512
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

}  // namespace

template <class T>
std::vector<Tiles<T>> runnable_tiles() {
    std::vector<Tiles<T>> found;
#ifdef PYDREAM_WIDER_TILES
    __builtin_cpu_init();
    const bool avx512 = __builtin_cpu_supports("avx512f");
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");  // NOT COUNTED: one machine
    if (avx512) found.push_back(avx512::tiles<T>("avx512"));                            // NOT COUNTED: the same
    if (avx2) found.push_back(avx2::tiles<T>("avx2"));                                  // NOT COUNTED: the same
#endif
    found.push_back(baseline::tiles<T>("baseline"));
    return found;
}

template <class T>
Tiles<T> chosen_tiles() {
    const std::vector<Tiles<T>> runnable = runnable_tiles<T>();
    const char* const name = std::getenv("PYDREAM_VECTORS");
    if (name == nullptr || *name == '\0') return runnable.front();
    std::string known;
    for (const Tiles<T>& tiles : runnable) {
        if (std::strcmp(tiles.name, name) == 0) return tiles;
        known += (known.empty() ? "" : ", ") + std::string(tiles.name);
    }
    throw std::invalid_argument("PYDREAM_VECTORS: '" + std::string(name) + "' is not one of " + known);
}

template std::vector<Tiles<float>> runnable_tiles();
template std::vector<Tiles<double>> runnable_tiles();
template Tiles<float> chosen_tiles();
template Tiles<double> chosen_tiles();

}  // namespace pydream
