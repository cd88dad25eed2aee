#include "parallel.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "test.hpp"

#ifdef __GLIBC__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

// The C library's answers about processors, where a test wants others.
static std::atomic<bool> too_many_to_count{false};
static std::atomic<int> processor_beyond{0};  // added to that of the calling thread
static std::atomic<int> milliseconds{0};      // before it is known

extern "C" int sched_getaffinity(pid_t process, std::size_t size, cpu_set_t* set) noexcept {
    if (too_many_to_count) {
        errno = EINVAL;
        return -1;
    }
    std::memset(set, 0, size);
    return syscall(SYS_sched_getaffinity, process, size, set) < 0 ? -1 : 0;
}

extern "C" int sched_getcpu() noexcept {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    unsigned processor = 0;
    syscall(SYS_getcpu, &processor, nullptr, nullptr);
    return static_cast<int>(processor) + processor_beyond;
}
#endif

namespace {

using pydream::parallel_for;
using pydream::usual_threads;

void set_variable(const char* value) {
#ifdef _WIN32
    _putenv_s("PYDREAM_NUM_THREADS", value);
#else
    setenv("PYDREAM_NUM_THREADS", value, 1);
#endif
}

TEST(parallel, each_index_once) {
    for (int threads : {1, 2, 3, 7, 64}) {
        for (std::ptrdiff_t count : {0, 1, 2, 5, 63, 64, 65, 1000}) {
            std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
            parallel_for(count, pydream::worth_a_thread, threads,
                         [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                             for (std::ptrdiff_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
                         });
            for (const std::atomic<int>& times : seen) CHECK(times == 1);
        }
    }
}

TEST(parallel, parts_are_contiguous_and_even) {
    constexpr std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max();
    std::mutex mutex;
    std::set<std::pair<std::ptrdiff_t, std::ptrdiff_t>> parts;
    parallel_for(most, 1, 7, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        const std::lock_guard<std::mutex> lock(mutex);
        parts.emplace(begin, end);
    });
    CHECK(parts.size() == 28);  // four for each thread
    std::ptrdiff_t at = 0;
    for (const auto& [begin, end] : parts) {
        CHECK(begin == at);
        CHECK(end - begin == most / 28 || end - begin == most / 28 + 1);
        at = end;
    }
    CHECK(at == most);
}

// Where the calling thread has done all before another one has begun, that one is moved to its processor.
void start_late(int repeats) {
    for (int repeat = 0; repeat < repeats; ++repeat) {
        std::atomic<std::ptrdiff_t> sum{0};
        parallel_for(9, pydream::worth_a_thread, 3,
                     [&](std::ptrdiff_t begin, std::ptrdiff_t end) { sum += (end - begin) * (end + begin - 1) / 2; });
        CHECK(sum == 36);
    }
}

TEST(parallel, threads_that_start_too_late_have_nothing_to_do) { start_late(300); }

#ifdef __GLIBC__
TEST(parallel, a_thread_may_start_while_it_is_moved) {
    milliseconds = 2;
    start_late(20);
    milliseconds = 0;
}

TEST(parallel, a_processor_that_cannot_be_named_moves_nothing) {
    for (const int beyond : {-1 - CPU_SETSIZE, CPU_SETSIZE}) {
        processor_beyond = beyond;
        start_late(100);
    }
    processor_beyond = 0;
}

TEST(parallel, more_processors_than_can_be_counted_are_as_many_as_are_known) {
    set_variable("");
    too_many_to_count = true;
    const int threads = usual_threads();
    too_many_to_count = false;
    CHECK(threads >= 1 && threads <= pydream::most_threads);
}
#endif

TEST(parallel, threads_work_at_the_same_time) {
    std::atomic<int> begun{0};
    std::atomic<bool> both{true};
    parallel_for(2, pydream::worth_a_thread, 2, [&](std::ptrdiff_t, std::ptrdiff_t) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        for (++begun; begun < 2;) {
            std::this_thread::yield();
            if (std::chrono::steady_clock::now() > end) both = false, begun = 2;
        }
    });
    CHECK(both);
}

TEST(parallel, little_work_stays_on_the_calling_thread) {
    const std::thread::id here = std::this_thread::get_id();
    parallel_for(pydream::worth_a_thread, 1, 8, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        CHECK(begin == 0 && end == pydream::worth_a_thread);
        CHECK(std::this_thread::get_id() == here);
    });
}

TEST(parallel, what_a_part_throws_is_thrown_after_all_ended) {
    for (std::ptrdiff_t thrower : {-1, 0, 2, 3}) {  // -1: all of them; one is passed on
        std::atomic<int> ended{0};
        bool thrown = false;
        try {
            parallel_for(4, pydream::worth_a_thread, 4, [&](std::ptrdiff_t begin, std::ptrdiff_t) {
                ++ended;
                if (thrower < 0 || begin == thrower) throw std::bad_alloc();
            });
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        CHECK(thrown);
        CHECK(ended == 4);
    }
}

TEST(parallel, usual_threads_are_the_variable) {
    for (int count : {1, 2, 7, 1024}) {
        set_variable(std::to_string(count).c_str());
        CHECK(usual_threads() == count);
    }
    set_variable("");
    CHECK(usual_threads() >= 1);
}

TEST(parallel, a_bad_variable_is_an_error) {
    for (const char* text :
         {"0", "-1", "1025", "two", "2 ", " 2", "1.5", "0x2", "99999999999999999999", "+2"}) {
        set_variable(text);
        CHECK(usual_threads() == 0);
    }
    set_variable("");
}

}  // namespace
