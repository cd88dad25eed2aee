#include "memory.hpp"

#include <cstdlib>

namespace pydream {

void* allocate(std::size_t bytes) noexcept { return std::malloc(bytes > 0 ? bytes : 1); }

void release(void* memory) noexcept { std::free(memory); }

}  // namespace pydream
