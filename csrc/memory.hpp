// Memory for rows and sums of a call. The core throws nothing: where there is no memory, the pointer is null.
#pragma once

#include <cstddef>
#include <cstdint>  // PTRDIFF_MAX
#include <type_traits>

namespace pydream {

// Returns at least `bytes` bytes, uninitialized and aligned for any number; null if there are none.
[[nodiscard]] void* allocate(std::size_t bytes) noexcept;

// Frees what allocate returned; null is nothing.
void release(void* memory) noexcept;

// `count` uninitialized elements until the end of the scope; false where there is no memory for them.
template <class T>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

public:
    explicit Buffer(std::ptrdiff_t count) noexcept {
        constexpr std::ptrdiff_t most = PTRDIFF_MAX / static_cast<std::ptrdiff_t>(sizeof(T));
        if (count <= most) elements_ = static_cast<T*>(allocate(static_cast<std::size_t>(count) * sizeof(T)));
    }
    ~Buffer() { release(elements_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    explicit operator bool() const noexcept { return elements_ != nullptr; }
    [[nodiscard]] T* data() noexcept { return elements_; }
    [[nodiscard]] const T* data() const noexcept { return elements_; }

private:
    T* elements_ = nullptr;
};

}  // namespace pydream
