#include "ascend.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "clones.hpp"
#include "parallel.hpp"

namespace pydream {

namespace {

// ---- NumPy's pairwise sum: a tree whose shape depends only on the number of elements ----

constexpr std::ptrdiff_t leaf_size = 128;     // most elements in a leaf
constexpr std::ptrdiff_t branch_size = 4096;  // most elements in a branch, which one thread sums

std::ptrdiff_t left_half(std::ptrdiff_t n) { return n / 2 - n / 2 % 8; }

// Returns the sum of |g[i]|: eight running sums, added as a tree, then the rest one by one.
template <class T>
T sum_leaf(const T* g,  // (n,), n at most leaf_size
           std::ptrdiff_t n) {
    if (n < 8) {
        T sum = 0;
        for (std::ptrdiff_t i = 0; i < n; ++i) sum += std::abs(g[i]);
        return sum;
    }
    T r[8];
    for (int j = 0; j < 8; ++j) r[j] = std::abs(g[j]);
    std::ptrdiff_t i = 8;
    for (; i + 8 <= n; i += 8) {
        for (int j = 0; j < 8; ++j) r[j] += std::abs(g[i + j]);
    }
    T sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; ++i) sum += std::abs(g[i]);
    return sum;
}

// out[i] = g[i * channels]
template <class T>
PYDREAM_CLONES void gather(T* __restrict out,        // (n,)
                           const T* __restrict g,    // (n, channels), from the channel to gather
                           std::ptrdiff_t channels,  //
                           std::ptrdiff_t n) {
    if (channels == 3) {
        for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = g[3 * i];
        return;
    }
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = g[i * channels];
}

template <class T>
T sum_branch(const T* g, std::ptrdiff_t n) {
    if (n <= leaf_size) return sum_leaf(g, n);
    const std::ptrdiff_t left = left_half(n);
    const T sum = sum_branch(g, left);
    return sum + sum_branch(g + left, n - left);
}

// A gradient in the order of the sum.
template <class T>
struct Contiguous {
    const T* g;  // (n,)

    T sum(std::ptrdiff_t start, std::ptrdiff_t n) const { return sum_branch(g + start, n); }
};

// A gradient in another order in memory: a branch is put in order before it is summed.
template <class T>
struct ChannelsLast {
    const T* g;  // (pixels, channels), summed as (channels, pixels)
    std::ptrdiff_t channels, pixels;

    T sum(std::ptrdiff_t start, std::ptrdiff_t n) const {
        std::array<T, branch_size> ordered;
        std::ptrdiff_t channel = start / pixels, pixel = start % pixels;
        for (std::ptrdiff_t done = 0; done < n;) {  // a branch may extend into the next channels
            const std::ptrdiff_t count = std::min(n - done, pixels - pixel);
            gather(ordered.data() + done, g + pixel * channels + channel, channels, count);
            done += count;
            pixel = 0;
            ++channel;
        }
        return sum_branch(ordered.data(), n);
    }
};

// A part of the tree, summed by one thread.
template <class T>
struct Branch {
    std::ptrdiff_t start, n;
    T sum;
};

template <class T>
void list_branches(std::vector<Branch<T>>& branches, std::ptrdiff_t start, std::ptrdiff_t n) {
    if (n <= branch_size) {
        branches.push_back({start, n, T{0}});
        return;
    }
    const std::ptrdiff_t left = left_half(n);
    list_branches(branches, start, left);
    list_branches(branches, start + left, n - left);
}

// Returns the sum of the branches that list_branches made of n elements, and moves `branch` past them.
template <class T>
T sum_trunk(const Branch<T>*& branch, std::ptrdiff_t n) {
    if (n <= branch_size) return branch++->sum;
    const std::ptrdiff_t left = left_half(n);
    const T sum = sum_trunk(branch, left);
    return sum + sum_trunk(branch, n - left);
}

template <class T, class Gradient>
T mean_of(const Gradient& gradient, std::ptrdiff_t n, std::ptrdiff_t pixels, std::ptrdiff_t block, int threads) {
    block = std::min(block, n);
    std::vector<Branch<T>> branches;
    for (std::ptrdiff_t start = 0; start < n; start += block) {
        list_branches(branches, start, std::min(block, n - start));
    }
    std::vector<Branch<T>*> order;
    order.reserve(branches.size());
    for (Branch<T>& branch : branches) order.push_back(&branch);
    // Branches of the same pixels follow each other, whatever their channel: they read the same memory.
    std::sort(order.begin(), order.end(), [pixels](const Branch<T>* a, const Branch<T>* b) {
        return a->start % pixels < b->start % pixels;
    });
    parallel_for(static_cast<std::ptrdiff_t>(order.size()), std::min(n, branch_size / 2), threads,
                 [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
                     for (std::ptrdiff_t i = begin; i < end; ++i) {
                         Branch<T>& branch = *order[static_cast<std::size_t>(i)];
                         branch.sum = gradient.sum(branch.start, branch.n);
                     }
                 });
    T sum = 0;
    const Branch<T>* next = branches.data();
    for (std::ptrdiff_t start = 0; start < n; start += block) sum += sum_trunk(next, std::min(block, n - start));
    // NumPy divides a float32 sum by an integer count in double and then rounds.
    return static_cast<T>(static_cast<double>(sum) / static_cast<double>(n));
}

// ---- The update ----

// x <- x + rate * g
template <class T>
PYDREAM_CLONES void add(T* __restrict x,        // (n,)
                        const T* __restrict g,  // (n,)
                        T rate,                 //
                        std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) x[i] += rate * g[i];
}

// x[c, i] <- x[c, i] + rate * g[i, c]
template <class T>
PYDREAM_CLONES void add_interleaved(T* __restrict x,          // (channels, n), its rows `plane` apart
                                    const T* __restrict g,    // (n, channels)
                                    T rate,                   //
                                    std::ptrdiff_t plane,     //
                                    std::ptrdiff_t channels,  //
                                    std::ptrdiff_t n) {
    if (channels == 3) {  // three rows at once: this loop becomes vector shuffles
        T* __restrict x0 = x;
        T* __restrict x1 = x + plane;
        T* __restrict x2 = x + 2 * plane;
        for (std::ptrdiff_t i = 0; i < n; ++i) {
            x0[i] += rate * g[3 * i];
            x1[i] += rate * g[3 * i + 1];
            x2[i] += rate * g[3 * i + 2];
        }
        return;
    }
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t i = 0; i < n; ++i) x[c * plane + i] += rate * g[i * channels + c];
    }
}

// x <- min(max(x, low), high)
template <class T>
PYDREAM_CLONES void clip_row(T* x,  // (n,)
                             T low, T high, std::ptrdiff_t n) {
    if (std::isnan(low) || std::isnan(high)) {
        std::fill_n(x, n, std::isnan(low) ? low : high);
        return;
    }
    for (std::ptrdiff_t i = 0; i < n; ++i) {  // comparisons with NaN are false, so it stays
        const T raised = x[i] < low ? low : x[i];
        x[i] = raised > high ? high : raised;
    }
}

}  // namespace

template <class T>
T mean_abs(const T* g, std::ptrdiff_t n, std::ptrdiff_t block, int threads) {
    return mean_of<T>(Contiguous<T>{g}, n, n, block, threads);
}

template <class T>
T mean_abs_channels_last(const T* g, std::ptrdiff_t channels, std::ptrdiff_t pixels, std::ptrdiff_t block,
                         int threads) {
    return mean_of<T>(ChannelsLast<T>{g, channels, pixels}, channels * pixels, pixels, block, threads);
}

template <class T>
void ascend(T* x, const T* g, std::ptrdiff_t n, T rate, int threads) {
    parallel_for(n, 1, threads, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        add(x + begin, g + begin, rate, end - begin);
    });
}

template <class T>
void clip(T* x, const T* low, const T* high, std::ptrdiff_t channels, std::ptrdiff_t pixels, int threads) {
    parallel_for(pixels, channels, threads, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t c = 0; c < channels; ++c)
            clip_row(x + c * pixels + begin, low[c], high[c], end - begin);
    });
}

template <class T>
void ascend_rolled(T* x, const T* g, bool channels_last, std::ptrdiff_t channels, std::ptrdiff_t height,
                   std::ptrdiff_t width, std::ptrdiff_t ox, std::ptrdiff_t oy, T rate, const T* low,
                   const T* high, int threads) {
    const std::ptrdiff_t plane = height * width;
    parallel_for(height, channels * width, threads, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t y = begin; y < end; ++y) {  // of x
            const std::ptrdiff_t gy = y < height - oy ? y + oy : y + oy - height;
            T* const row = x + y * width;
            if (channels_last) {
                const T* const from = g + gy * width * channels;
                add_interleaved(row, from + ox * channels, rate, plane, channels, width - ox);
                add_interleaved(row + (width - ox), from, rate, plane, channels, ox);
            }
            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                T* const to = row + c * plane;
                if (!channels_last) {
                    const T* const from = g + c * plane + gy * width;
                    add(to, from + ox, rate, width - ox);
                    add(to + (width - ox), from, rate, ox);
                }
                if (low != nullptr) clip_row(to, low[c], high[c], width);  // while the row is in the cache
            }
        }
    });
}

#define PYDREAM_INSTANTIATE(T)                                                                      \
    template T mean_abs(const T*, std::ptrdiff_t, std::ptrdiff_t, int);                             \
    template T mean_abs_channels_last(const T*, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,     \
                                      int);                                                         \
    template void ascend(T*, const T*, std::ptrdiff_t, T, int);                                     \
    template void clip(T*, const T*, const T*, std::ptrdiff_t, std::ptrdiff_t, int);                \
    template void ascend_rolled(T*, const T*, bool, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, \
                                std::ptrdiff_t, std::ptrdiff_t, T, const T*, const T*, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
