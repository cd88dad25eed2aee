// Memory that runs out on request: after `allocations_left` more calls, operator new throws. In a separate file,
// because a compiler that inlines only a part of it warns.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

extern std::atomic<int> allocations_left;
std::atomic<int> allocations_left{std::numeric_limits<int>::max()};

void* operator new(std::size_t size) {
    if (--allocations_left < 0) throw std::bad_alloc();
    if (void* const memory = std::malloc(std::max<std::size_t>(size, 1))) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
