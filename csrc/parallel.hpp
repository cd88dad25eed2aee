// The one way to divide work over threads: contiguous parts of a range, which threads take one after the other.
//
// Threads end with the call: a pool would need a lock, a shutdown order and a fork handler. Starting one and waiting
// for it costs 50 to 100 µs in a virtual machine, so there must be work for it. parallel.cpp has threads, one_thread.cpp
// none: CMake compiles one of them.
#pragma once

#include <algorithm>
#include <cstddef>

namespace pydream {

constexpr int most_threads = 1024;

// Returns the number of threads to use: the environment's PYDREAM_NUM_THREADS, else the number of processors that this
// process may run on; 0 if the variable is not a whole number from 1 to most_threads. Without threads it is 1, whatever
// the variable.
int usual_threads() noexcept;

// The least work for a thread, in array elements read: below it, starting one costs more than it saves.
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
constexpr std::ptrdiff_t worth_a_thread = 1 << 16;  // elements that cost about a nanosecond, as of a zoom
constexpr std::ptrdiff_t worth_moving = 1 << 20;    // elements that are read, written, and little else: a tenth of that
#else  // so that fuzzing, which has small arrays, divides them too
constexpr std::ptrdiff_t worth_a_thread = 1 << 8;
constexpr std::ptrdiff_t worth_moving = 1 << 10;
#endif

// Calls run(body, begin, end) on `parts` parts of [0, count), on up to `threads` threads, of which the calling one is
// the first: it does what no other thread has begun. An exception from a part is thrown again when all have ended.
void run_parts(std::ptrdiff_t count,  //
               std::ptrdiff_t parts,  // 1..count
               int threads,           // at least 1
               void (*run)(const void* body, std::ptrdiff_t begin, std::ptrdiff_t end), const void* body);

// Calls body(begin, end) on parts that together cover [0, count); an index stands for `elements` array elements, of
// which a thread is to have `worth`. A thread may call it several times, so that one that starts late, because another
// program or library keeps its processor busy, leaves its parts to the others. The parts depend on `threads`, so a sum
// that must not depend on it cannot follow them. An exception from a part is thrown again here when all parts have
// ended.
template <class Body>
void parallel_for(std::ptrdiff_t count, std::ptrdiff_t elements, int threads, const Body& body,
                  std::ptrdiff_t worth = worth_a_thread) {
    constexpr std::ptrdiff_t turns = 4;  // parts for each thread
    const std::ptrdiff_t fewest = 1 + (worth - 1) / std::max<std::ptrdiff_t>(elements, 1);
    const std::ptrdiff_t useful = std::min<std::ptrdiff_t>(threads, count / fewest);
    if (useful <= 1) {
        body(std::ptrdiff_t{0}, count);
        return;
    }
    const auto run = [](const void* called, std::ptrdiff_t begin, std::ptrdiff_t end) {
        (*static_cast<const Body*>(called))(begin, end);
    };
    run_parts(count, std::min(count, turns * useful), static_cast<int>(useful), run, &body);
}

}  // namespace pydream
