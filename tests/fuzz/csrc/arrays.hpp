// The arrays of one call: each in a block that ends where the array does, so that AddressSanitizer sees the byte after
// it, or all in one block, where they may touch and overlap.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "input.hpp"

namespace fuzz {

inline void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "pydream_fuzz: %s\n", what);
    __builtin_trap();
}

class Arrays {
public:
    explicit Arrays(Input& input) : input_(input), together_(input.one_in(4)) {
        if (together_) add_block(room);
    }

    // Returns an array that `fill` is to fill; null if the input says so. If it was too large, `whole` is false.
    template <class T, class Fill>
    T* make(std::ptrdiff_t count, const Fill& fill) {
        if (input_.one_in(64)) return nullptr;
        constexpr std::size_t most = room / 2 / sizeof(T);
        const auto wanted = static_cast<std::size_t>(std::max<std::ptrdiff_t>(count, 1));
        const std::size_t made = std::min(wanted, together_ ? most : std::size_t{1} << 16);
        if (made < wanted) whole_ = false;
        const std::size_t bytes = made * sizeof(T), at = together_ ? place(bytes, alignof(T)) : 0;
        if (!together_) add_block(bytes);
        T* const array = reinterpret_cast<T*>(blocks_.back().now.get() + at);
        fill(array, static_cast<std::ptrdiff_t>(made));
        return array;
    }

    // Returns whether every array has the size that was asked for.
    [[nodiscard]] bool whole() const { return whole_; }

    // Keeps what all arrays contain.
    void remember() {
        for (Block& block : blocks_) block.before.assign(block.now.get(), block.now.get() + block.bytes);
    }

    // Returns where an array is in what was kept.
    template <class T>
    T* before(T* array) {
        const auto at = reinterpret_cast<std::uintptr_t>(array);
        for (Block& block : blocks_) {
            const auto from = reinterpret_cast<std::uintptr_t>(block.now.get());
            if (from <= at && at < from + block.bytes) return reinterpret_cast<T*>(block.before.data() + (at - from));
        }
        return nullptr;
    }

    // Lets an array have changed.
    template <class T>
    void forget(const T* array, std::ptrdiff_t count) {
        std::memcpy(before(const_cast<T*>(array)), array, static_cast<std::size_t>(count) * sizeof(T));
    }

    // Requires that all else is as it was kept.
    void require_unchanged() const {
        for (const Block& block : blocks_) {
            require(std::memcmp(block.now.get(), block.before.data(), block.bytes) == 0, "an array was changed");
        }
    }

private:
    static constexpr std::size_t room = 1 << 15;  // bytes for all arrays together
    struct Block {
        std::unique_ptr<unsigned char[]> now;
        std::size_t bytes;
        std::vector<unsigned char> before;
    };

    void add_block(std::size_t bytes) {
        blocks_.push_back({std::unique_ptr<unsigned char[]>(new unsigned char[bytes]()), bytes, {}});
    }

    // Returns a place in the one block, next to the last array as a rule.
    std::size_t place(std::size_t bytes, std::size_t alignment) {
        const std::size_t last = (room - bytes) / alignment;
        std::size_t at = input_.in_range<std::size_t>(0, last);
        if (!input_.one_in(4)) at = (end_ + alignment - 1) / alignment + input_.in_range<std::size_t>(0, 2);
        if (at > 0 && input_.one_in(4)) --at;
        at = std::min(at, last) * alignment;
        end_ = at + bytes;
        return at;
    }

    Input& input_;
    bool together_, whole_ = true;
    std::size_t end_ = 0;
    std::vector<Block> blocks_;
};

}  // namespace fuzz
