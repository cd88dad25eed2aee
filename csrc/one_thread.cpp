// parallel.hpp without threads, for PYDREAM_THREADS=OFF: the calling thread does everything, with the same results.
#include "parallel.hpp"

namespace pydream {

void run_parts(std::ptrdiff_t count, std::ptrdiff_t, int,
               void (*run)(const void* body, std::ptrdiff_t begin, std::ptrdiff_t end), const void* body) {
    run(body, 0, count);
}

int usual_threads() noexcept { return 1; }

}  // namespace pydream
