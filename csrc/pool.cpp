#include "pool.hpp"

#include <algorithm>
#include <iterator>
#include <list>
#include <mutex>
#include <new>
#include <unordered_map>

#ifdef __unix__
#include <pthread.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace pydream {

namespace pool {

namespace {

constexpr std::size_t line = 64;
constexpr std::size_t page = std::size_t{1} << 21;  // a huge one: 512 page faults in one
constexpr std::size_t huge = 2 * page;              // from here on, blocks begin with such a page
constexpr std::size_t whole = 4 * page;             // and end with one: what that wastes is little

struct Block {
    void* memory;
    std::size_t bytes;
};

class Pool {
public:
    void* allocate(std::size_t bytes) {
        bytes = round_up(std::max(bytes, line), bytes >= whole ? page : line);
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            const auto found = fitting(bytes);
            if (found != kept_.end()) {
                const Block block = *found;
                used_blocks_.emplace(block.memory, block.bytes);  // may throw: first
                kept_.erase(found);
                kept_bytes_ -= block.bytes;
                use(block.bytes);
                return block.memory;
            }
        }
        void* const memory = make(bytes);
        try {
            const std::lock_guard<std::mutex> lock(mutex_);
            used_blocks_.emplace(memory, bytes);
            use(bytes);
        } catch (...) {
            destroy({memory, bytes});
            throw;
        }
        return memory;
    }

    void release(void* memory) noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = used_blocks_.find(memory);
        const Block block{memory, found->second};
        used_blocks_.erase(found);
        used_bytes_ -= block.bytes;
        try {
            kept_.push_back(block);
            kept_bytes_ += block.bytes;
        } catch (...) {
            destroy(block);
        }
        shrink();
    }

    void clear() noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        most_used_ = 0;
        shrink();
        most_used_ = used_bytes_;
    }

    std::size_t kept() noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        return kept_bytes_;
    }

    std::size_t used() noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        return used_bytes_;
    }

    // A process that forks holds the lock meanwhile, so that it is free in the child too.
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }

private:
    static std::size_t round_up(std::size_t bytes, std::size_t unit) {
        if (bytes > ~std::size_t{0} - unit) throw std::bad_alloc();
        return (bytes + unit - 1) / unit * unit;
    }

    // Returns the smallest kept block that is large enough, and at most a quarter larger.
    std::list<Block>::iterator fitting(std::size_t bytes) {
        auto best = kept_.end();
        for (auto block = kept_.begin(); block != kept_.end(); ++block) {
            if (block->bytes >= bytes && block->bytes - bytes <= bytes / 4 &&
                (best == kept_.end() || block->bytes <= best->bytes)) {
                best = block;
            }
        }
        return best;
    }

    void use(std::size_t bytes) {
        used_bytes_ += bytes;
        most_used_ = std::max(most_used_, used_bytes_);
        shrink();
    }

    // Frees the blocks that were given back first, until all is no more than what was in use at one time.
    void shrink() noexcept {
        while (!kept_.empty() && used_bytes_ + kept_bytes_ > most_used_) {
            kept_bytes_ -= kept_.front().bytes;
            destroy(kept_.front());
            kept_.pop_front();
        }
    }

    static std::align_val_t alignment(std::size_t bytes) { return std::align_val_t{bytes >= huge ? page : line}; }

    static void* make(std::size_t bytes) {
        void* const memory = ::operator new(bytes, alignment(bytes));
#ifdef __linux__
        if (bytes >= huge) madvise(memory, bytes, MADV_HUGEPAGE);  // advice: what comes back does not matter
#endif
        return memory;
    }

    static void destroy(const Block& block) noexcept { ::operator delete(block.memory, alignment(block.bytes)); }

    std::mutex mutex_;
    std::list<Block> kept_;  // the one given back last is the last
    std::unordered_map<void*, std::size_t> used_blocks_;
    std::size_t kept_bytes_ = 0, used_bytes_ = 0, most_used_ = 0;
};

// Never destroyed: arrays are given back until the very end of a process.
Pool& the_pool() {
    static Pool* const pool = [] {  // NOT COUNTED: whether a thread waits for another that makes it
        static Pool* const made = new Pool;  // NOT COUNTED: the same
#ifdef __unix__
        pthread_atfork([] { made->lock(); }, [] { made->unlock(); }, [] { made->unlock(); });
#endif
        return made;
    }();  // NOT COUNTED: the same
    return *pool;
}

}  // namespace

void* allocate(std::size_t bytes) { return the_pool().allocate(bytes); }
void release(void* block) noexcept { the_pool().release(block); }
void clear() noexcept { the_pool().clear(); }
std::size_t kept() noexcept { return the_pool().kept(); }
std::size_t used() noexcept { return the_pool().used(); }

}  // namespace pool

}  // namespace pydream
