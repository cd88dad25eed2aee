// PYDREAM_CLONES before a function compiles it twice, for any x86-64 and for AVX2, and the loader picks one.
//
// Wider vectors change no bits: the operations and their order stay the same, and -ffp-contract=off keeps
// multiply and add apart. On one thread of an AVX-512 machine (2026-11) they make the image side of a step 1.6 times
// as fast, clip 1.5, a zoom and a plain ascent 1.1. The gathering of a zoom and the pairwise sum gain nothing and
// have none; AVX-512 gave at most 5 % more than AVX2. To measure it, build without (CXXFLAGS=-DPYDREAM_NO_CLONES)
// and compare with benchmarks/.
#pragma once

#include <cstddef>  // any header of the C library defines __GLIBC__

// Needs the loader's ifunc (glibc), which runs before a sanitizer is ready.
#if !defined(PYDREAM_NO_CLONES) && defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && \
    !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PYDREAM_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define PYDREAM_CLONES
#endif
