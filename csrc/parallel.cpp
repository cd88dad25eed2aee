#include "parallel.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

#ifdef __linux__
#include <sched.h>
#endif

namespace pydream {

namespace {

int processors() {
#ifdef __linux__
    cpu_set_t allowed;  // for 1024 processors; the call fails on a larger machine
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
#endif
    return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
}

}  // namespace

int thread_count() {
    const char* const text = std::getenv("PYDREAM_NUM_THREADS");
    if (text == nullptr || *text == '\0') return processors();
    int count = 0;
    for (const char* digit = text; *digit != '\0'; ++digit) {
        count = *digit >= '0' && *digit <= '9' && count <= most_threads ? 10 * count + (*digit - '0')
                                                                        : most_threads + 1;
    }
    if (count < 1 || count > most_threads) {
        throw std::invalid_argument("PYDREAM_NUM_THREADS: '" + std::string(text) +
                                    "' is not a whole number from 1 to " + std::to_string(most_threads));
    }
    return count;
}

}  // namespace pydream
