// PYDREAM_CLONES before a function compiles it twice, for any x86-64 and for AVX2; the loader chooses one.
//
// Wider vectors change no bits: the operations and their order stay the same, and -ffp-contract=off keeps multiply and
// add separate. On one thread of an AVX-512 machine (2026-11) the image side of a step is 1.6 times as fast, clip 1.5,
// a zoom and a plain ascent 1.1. A zoom's gathering and the pairwise sum gained nothing and are not cloned; AVX-512
// gained at most 5 % over AVX2. To measure, build without clones (CXXFLAGS=-DPYDREAM_NO_CLONES) and compare with
// benchmarks/.
#pragma once

#include <cstddef>  // defines __GLIBC__, as any header of the C library does

// Clones need the loader's ifunc (glibc), which runs before a sanitizer is ready.
#if !defined(PYDREAM_NO_CLONES) && defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && \
    !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PYDREAM_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define PYDREAM_CLONES
#endif
