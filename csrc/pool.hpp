// Memory for arrays that come and go in each step: a block that is given back is used again for one of about its size.
//
// A fresh block costs a page fault for each 4 KiB, and zeros that nothing reads. What the pool keeps never makes the
// process larger than what it had in use at one time; blocks that fit nothing any more, of another octave, go first.
#pragma once

#include <cstddef>
#include <memory>

namespace pydream {

namespace pool {

// Returns at least `bytes` bytes, aligned to a cache line and uninitialized. Throws std::bad_alloc. Thread safe, as all
// here.
void* allocate(std::size_t bytes);

// Gives a block of `allocate` back.
void release(void* block) noexcept;

// Frees all that is kept, and forgets how much was in use.
void clear() noexcept;

// The bytes that the pool keeps, and those that are in use.
std::size_t kept() noexcept;
std::size_t used() noexcept;

struct Release {
    void operator()(void* block) const noexcept { release(block); }
};

}  // namespace pool

// `count` numbers from the pool, until the end of the scope.
template <class T>
class Scratch {
public:
    explicit Scratch(std::size_t count) : block_(pool::allocate(count * sizeof(T))) {}
    T* data() const { return static_cast<T*>(block_.get()); }
    T* give() { return static_cast<T*>(block_.release()); }  // to who gives it back to the pool

private:
    std::unique_ptr<void, pool::Release> block_;
};

}  // namespace pydream
