#include "pool.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <new>
#include <thread>

#include "test.hpp"

extern std::atomic<int> allocations_left;  // in allocations.cpp

namespace {

namespace pool = pydream::pool;

constexpr std::size_t mib = std::size_t{1} << 20;

TEST(pool, a_block_is_used_again_for_one_of_about_its_size) {
    pool::clear();
    void* const block = pool::allocate(4 * mib);
    pool::release(block);
    CHECK(pool::used() == 0 && pool::kept() == 4 * mib);
    void* const smaller = pool::allocate(4 * mib - mib / 2);
    CHECK(smaller == block);
    CHECK(pool::kept() == 0);
    pool::release(smaller);
    void* const small = pool::allocate(2 * mib);  // would waste a half
    CHECK(small != block);
    pool::release(small);
    pool::clear();
    CHECK(pool::used() == 0 && pool::kept() == 0);
}

TEST(pool, what_is_kept_never_exceeds_what_was_in_use) {
    pool::clear();
    for (std::size_t size = mib; size < 40 * mib; size += size / 2) {  // octaves: nothing fits again
        void* const one = pool::allocate(size);
        void* const two = pool::allocate(size);
        CHECK(pool::used() + pool::kept() <= 2 * size + 4 * mib);
        pool::release(one);
        pool::release(two);
        CHECK(pool::used() == 0);
    }
    pool::clear();
    CHECK(pool::kept() == 0);
}

TEST(pool, clear_leaves_what_is_in_use) {
    pool::clear();
    void* const block = pool::allocate(mib);
    std::memset(block, 1, mib);
    pool::clear();
    CHECK(pool::used() == mib);
    CHECK(static_cast<unsigned char*>(block)[mib - 1] == 1);
    pool::release(block);
    pool::clear();
}

TEST(pool, blocks_are_aligned_and_apart) {
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{65}, 9 * mib + 1}) {
        void* const one = pool::allocate(bytes);
        void* const two = pool::allocate(bytes);
        CHECK(reinterpret_cast<std::uintptr_t>(one) % 64 == 0);
        CHECK(one != two);
        std::memset(one, 1, bytes);
        std::memset(two, 2, bytes);
        pool::release(one);
        pool::release(two);
    }
    pool::clear();
}

TEST(pool, a_size_that_cannot_be_rounded_up_is_an_error) {
    for (const std::size_t bytes : {~std::size_t{0}, ~std::size_t{0} - 63}) {
        const std::size_t before = pool::used();
        bool thrown = false;
        try {
            pool::allocate(bytes);
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        CHECK(thrown);
        CHECK(pool::used() == before);
    }
}

// Calls a function while there is no memory for what the pool notes of a block. Returns whether it throws.
template <class Call>
bool runs_out(const Call& call) {
    bool thrown = false;
    allocations_left = 0;
    try {
        call();
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    allocations_left = std::numeric_limits<int>::max();
    return thrown;
}

TEST(pool, a_block_that_cannot_be_noted_is_an_error_and_not_lost) {
    pool::clear();
    CHECK(runs_out([] { pool::allocate(4 * mib); }));  // a new one
    CHECK(pool::used() == 0 && pool::kept() == 0);
    pool::release(pool::allocate(4 * mib));
    CHECK(runs_out([] { pool::allocate(4 * mib); }));  // one that is kept
    CHECK(pool::used() == 0 && pool::kept() == 4 * mib);
    pool::clear();
}

TEST(pool, a_block_that_cannot_be_kept_is_freed) {
    pool::clear();
    void* const block = pool::allocate(4 * mib);
    CHECK(!runs_out([block] { pool::release(block); }));
    CHECK(pool::used() == 0 && pool::kept() == 0);
}

TEST(pool, threads_share_it) {
    pool::clear();
    std::vector<std::thread> threads;
    std::vector<int> wrong(4);
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([t, &wrong] {
            for (std::size_t i = 0; i < 200; ++i) {
                const std::size_t bytes = 1000 + 100 * (i % 7);
                const pydream::Scratch<unsigned char> block(bytes);
                std::memset(block.data(), static_cast<int>(t), bytes);
                std::this_thread::yield();
                for (std::size_t j = 0; j < bytes; ++j) wrong[t] += block.data()[j] != t;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const int count : wrong) CHECK(count == 0);
    CHECK(pool::used() == 0);
    pool::clear();
}

}  // namespace
