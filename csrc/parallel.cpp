#include "parallel.hpp"

#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#ifdef __linux__
#include <pthread.h>
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

// The parts of a call, which its threads take one after the other.
struct Parts {
    std::ptrdiff_t count, parts;
    void (*run)(const void* body, std::ptrdiff_t begin, std::ptrdiff_t end);
    const void* body;
    std::atomic<std::ptrdiff_t> next{0};
    std::mutex mutex{};
    std::exception_ptr thrown{};  // the first

    // Runs parts until there are no more.
    void work() noexcept {
        // The first count % parts parts are one longer; count * part could overflow.
        const std::ptrdiff_t length = count / parts, longer = count % parts;
        for (std::ptrdiff_t part = next++; part < parts; part = next++) {
            const std::ptrdiff_t begin = part * length + std::min(part, longer);
            try {
                run(body, begin, begin + length + (part < longer ? 1 : 0));
            } catch (...) {
                const std::lock_guard<std::mutex> lock(mutex);
                if (!thrown) thrown = std::current_exception();
            }
        }
    }
};

// Moves a thread that has not ended to the processor of the calling thread, where the system allows it.
void bring_here(std::thread& thread) {
#ifdef __linux__
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &only);  // stays empty where it has no such processor: none is moved
    pthread_setaffinity_np(thread.native_handle(), sizeof only, &only);
#else
    static_cast<void>(thread);
#endif
}

// A thread beside the calling one. It may have to wait for its processor for milliseconds, behind threads of another
// library that wait there busily, and then the calling thread has done all parts before: it cannot return before the
// thread has ended, but its own processor is free for that.
class Helper {
public:
    explicit Helper(Parts& parts)
        : thread_([this, &parts] {
              State found = State::made;
              if (!state_.compare_exchange_strong(found, State::begun)) {
                  while (state_ != State::moved) std::this_thread::yield();  // while it is moved, it must not end
              }
              parts.work();
          }) {}
    ~Helper() {
        State found = State::made;
        if (state_.compare_exchange_strong(found, State::moving)) {
            bring_here(thread_);
            state_ = State::moved;
        }
        thread_.join();
    }
    Helper(const Helper&) = delete;
    Helper& operator=(const Helper&) = delete;

private:
    enum class State { made, begun, moving, moved };
    std::atomic<State> state_{State::made};
    std::thread thread_;  // after what it uses
};

}  // namespace

void run_parts(std::ptrdiff_t count, std::ptrdiff_t parts, int threads,
               void (*run)(const void* body, std::ptrdiff_t begin, std::ptrdiff_t end), const void* body) {
    Parts all{count, parts, run, body};
    {
        std::vector<std::unique_ptr<Helper>> others;
        try {
            others.reserve(static_cast<std::size_t>(threads - 1));
            for (int i = 1; i < threads; ++i) others.push_back(std::make_unique<Helper>(all));
        } catch (...) {  // no thread, or no memory for one: those that there are do the work
        }
        all.work();
    }
    if (all.thrown) std::rethrow_exception(all.thrown);
}

int usual_threads() noexcept {
    const char* const text = std::getenv("PYDREAM_NUM_THREADS");
    if (text == nullptr || *text == '\0') return processors();
    int count = 0;
    for (const char* digit = text; *digit != '\0'; ++digit) {
        count = *digit >= '0' && *digit <= '9' && count <= most_threads ? 10 * count + (*digit - '0')
                                                                        : most_threads + 1;
    }
    return count <= most_threads ? count : 0;
}

}  // namespace pydream
