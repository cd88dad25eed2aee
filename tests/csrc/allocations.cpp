// Memory that runs out on request, in place of csrc/memory.cpp: after `allocations_left` more calls there is none, for
// the core and for the threads that it starts.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

#include "memory.hpp"

extern std::atomic<int> allocations_left;
std::atomic<int> allocations_left{std::numeric_limits<int>::max()};

namespace pydream {

void* allocate(std::size_t bytes) noexcept {
    return --allocations_left < 0 ? nullptr : std::malloc(std::max<std::size_t>(bytes, 1));
}
void release(void* memory) noexcept { std::free(memory); }

}  // namespace pydream

#ifdef __cpp_exceptions
void* operator new(std::size_t size) {
    if (void* const memory = pydream::allocate(size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return pydream::allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif
