// What the Python modules share: exceptions, which pybind11 turns into Python's.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "parallel.hpp"

namespace pydream {

inline void require(bool condition, const char* text) {
    if (!condition) throw std::invalid_argument(text);
}

// Returns usual_threads(), or throws with the text that pydream/system.py has too. It reads the environment, so under
// the GIL.
inline int thread_count() {
    const int threads = usual_threads();
    if (threads > 0) return threads;
    throw std::invalid_argument("PYDREAM_NUM_THREADS: '" + std::string(std::getenv("PYDREAM_NUM_THREADS")) +
                                "' is not a whole number from 1 to " + std::to_string(most_threads));
}

}  // namespace pydream
