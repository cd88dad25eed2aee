#include "parallel.hpp"

#include <atomic>
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
TEST(parallel, threads_that_start_too_late_have_nothing_to_do) {
    for (int repeat = 0; repeat < 300; ++repeat) {
        std::atomic<std::ptrdiff_t> sum{0};
        parallel_for(9, pydream::worth_a_thread, 3,
                     [&](std::ptrdiff_t begin, std::ptrdiff_t end) { sum += (end - begin) * (end + begin - 1) / 2; });
        CHECK(sum == 36);
    }
}

TEST(parallel, little_work_stays_on_the_calling_thread) {
    const std::thread::id here = std::this_thread::get_id();
    parallel_for(pydream::worth_a_thread, 1, 8, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        CHECK(begin == 0 && end == pydream::worth_a_thread);
        CHECK(std::this_thread::get_id() == here);
    });
}

TEST(parallel, what_a_part_throws_is_thrown_after_all_ended) {
    for (std::ptrdiff_t thrower : {0, 2, 3}) {
        std::atomic<int> ended{0};
        bool thrown = false;
        try {
            parallel_for(4, pydream::worth_a_thread, 4, [&](std::ptrdiff_t begin, std::ptrdiff_t) {
                ++ended;
                if (begin == thrower) throw std::bad_alloc();
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
