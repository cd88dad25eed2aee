// The one way to divide work over threads: equal, contiguous parts of a range, one thread for each part.
//
// Threads end with the call. Starting two costs about 20 µs; a pool would need a lock, a shutdown order and a fork
// handler.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace pydream {

constexpr int most_threads = 1024;

// Returns the number of threads to use: the environment's PYDREAM_NUM_THREADS, else the number of processors that this
// process may run on. Throws std::invalid_argument if the variable is not a whole number from 1 to most_threads.
int thread_count();

// The least work for a thread, in array elements read: below it, starting one costs more than it saves.
constexpr std::ptrdiff_t worth_a_thread = 1 << 15;

// Calls body(begin, end) on at most `threads` parts that together cover [0, count); an index stands for `elements`
// array elements. The parts depend on `threads`, so a sum that must not depend on it cannot follow them. An exception
// from a part is thrown again here when all parts have ended.
template <class Body>
void parallel_for(std::ptrdiff_t count, std::ptrdiff_t elements, int threads, const Body& body) {
    const std::ptrdiff_t fewest = 1 + (worth_a_thread - 1) / std::max<std::ptrdiff_t>(elements, 1);
    const std::ptrdiff_t parts = std::min<std::ptrdiff_t>(threads, count / fewest);
    if (parts <= 1) {
        body(std::ptrdiff_t{0}, count);
        return;
    }
    std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(parts));
    const auto run = [&](std::ptrdiff_t part) noexcept {
        // The first count % parts parts are one longer; count * part could overflow.
        const std::ptrdiff_t length = count / parts, longer = count % parts;
        const std::ptrdiff_t begin = part * length + std::min(part, longer);
        try {
            body(begin, begin + length + (part < longer ? 1 : 0));
        } catch (...) {
            thrown[static_cast<std::size_t>(part)] = std::current_exception();
        }
    };
    std::vector<std::thread> others;
    others.reserve(static_cast<std::size_t>(parts - 1));
    for (std::ptrdiff_t part = 1; part < parts; ++part) {
        try {
            others.emplace_back(run, part);
        } catch (...) {  // no thread, or no memory for one: this thread does the work
            run(part);
        }
    }
    run(0);
    for (std::thread& other : others) other.join();
    for (const std::exception_ptr& error : thrown) {
        if (error) std::rethrow_exception(error);
    }
}

}  // namespace pydream
