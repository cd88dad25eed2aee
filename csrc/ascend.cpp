#include "ascend.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "clones.hpp"
#include "memory.hpp"
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

// Returns the sum of |g[i, channel]| as sum_leaf does: 24 running sums, 8 for each of three channels, of which those of
// one channel are read in the end. Picking it from the pixels first takes longer.
template <class T>
PYDREAM_CLONES T sum_leaf_of_three(const T* __restrict g,  // (n, 3), n from 8 to leaf_size
                                   std::ptrdiff_t channel, std::ptrdiff_t n) {
    T r[24];
    for (int j = 0; j < 24; ++j) r[j] = std::abs(g[j]);
    std::ptrdiff_t i = 8;
    for (; i + 8 <= n; i += 8) {
        for (int j = 0; j < 24; ++j) r[j] += std::abs(g[3 * i + j]);
    }
    const T* const s = r + channel;
    T sum = ((s[0] + s[3]) + (s[6] + s[9])) + ((s[12] + s[15]) + (s[18] + s[21]));
    for (; i < n; ++i) sum += std::abs(g[3 * i + channel]);
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

// Returns the sum of elements start..start+n-1, where sum_of(start, n) is that of a leaf.
template <class T, class SumOf>
T sum_branch(std::ptrdiff_t start, std::ptrdiff_t n, const SumOf& sum_of) {
    if (n <= leaf_size) return sum_of(start, n);
    const std::ptrdiff_t left = left_half(n);
    const T sum = sum_branch<T>(start, left, sum_of);
    return sum + sum_branch<T>(start + left, n - left, sum_of);
}

// A gradient in the order of the sum.
template <class T>
struct Contiguous {
    const T* g;  // (n,)

    T sum(std::ptrdiff_t start, std::ptrdiff_t n) const {
        return sum_branch<T>(start, n, [this](std::ptrdiff_t i, std::ptrdiff_t k) { return sum_leaf(g + i, k); });
    }
};

// A gradient in another order in memory: a branch is put in order before it is summed.
template <class T>
struct ChannelsLast {
    const T* g;  // (pixels, channels), summed as (channels, pixels)
    std::ptrdiff_t channels, pixels;

    T sum(std::ptrdiff_t start, std::ptrdiff_t n) const {
        const std::ptrdiff_t channel = start / pixels, pixel = start % pixels;
        if (channels == 3 && n >= 8 && pixel + n <= pixels) {  // so that no leaf has fewer than 8
            return sum_branch<T>(pixel, n, [this, channel](std::ptrdiff_t i, std::ptrdiff_t k) {
                return sum_leaf_of_three(g + 3 * i, channel, k);
            });
        }
        std::array<T, branch_size> ordered;
        collect(ordered.data(), channel, pixel, n);
        return sum_branch<T>(0, n, [&](std::ptrdiff_t i, std::ptrdiff_t k) { return sum_leaf(ordered.data() + i, k); });
    }

private:
    void collect(T* ordered, std::ptrdiff_t channel, std::ptrdiff_t pixel, std::ptrdiff_t n) const {
        for (std::ptrdiff_t done = 0; done < n;) {  // a branch may extend into the next channels
            const std::ptrdiff_t count = std::min(n - done, pixels - pixel);
            gather(ordered + done, g + pixel * channels + channel, channels, count);
            done += count;
            pixel = 0;
            ++channel;
        }
    }
};

// A part of the tree, summed by one thread.
template <class T>
struct Branch {
    std::ptrdiff_t start, n;
    std::ptrdiff_t pixel;  // of its first element
    T sum;
};

// The number of branches that list_branches makes.
std::ptrdiff_t count_branches(std::ptrdiff_t n) {
    if (n <= branch_size) return 1;
    const std::ptrdiff_t left = left_half(n);
    return count_branches(left) + count_branches(n - left);
}

// Writes the branches of n elements, and moves `branch` past them.
template <class T>
void list_branches(Branch<T>*& branch, std::ptrdiff_t start, std::ptrdiff_t n, std::ptrdiff_t pixels) {
    if (n <= branch_size) {
        *branch++ = {start, n, start % pixels, T{0}};
        return;
    }
    const std::ptrdiff_t left = left_half(n);
    list_branches(branch, start, left, pixels);
    list_branches(branch, start + left, n - left, pixels);
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
bool mean_of(T* mean, const Gradient& gradient, std::ptrdiff_t n, std::ptrdiff_t pixels, std::ptrdiff_t block,
             int threads) {
    block = std::min(block, n);
    const std::ptrdiff_t rest = n % block;
    const std::ptrdiff_t count = n / block * count_branches(block) + (rest > 0 ? count_branches(rest) : 0);
    Buffer<Branch<T>> branches(count);
    Buffer<Branch<T>*> order(count);
    if (!branches || !order) return false;
    Branch<T>* last = branches.data();
    for (std::ptrdiff_t start = 0; start < n; start += block) {
        list_branches(last, start, std::min(block, n - start), pixels);
    }
    for (std::ptrdiff_t i = 0; i < count; ++i) order.data()[i] = branches.data() + i;
    // Branches of the same pixels follow each other, whatever their channel: they read the same memory.
    std::sort(order.data(), order.data() + count,
              [](const Branch<T>* a, const Branch<T>* b) { return a->pixel < b->pixel; });
    const auto sum_branches = [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t i = begin; i < end; ++i) {
            Branch<T>& branch = *order.data()[i];
            branch.sum = gradient.sum(branch.start, branch.n);
        }
    };
    parallel_for(count, n / count, threads, sum_branches, worth_moving);
    T sum = 0;
    const Branch<T>* next = branches.data();
    for (std::ptrdiff_t start = 0; start < n; start += block) sum += sum_trunk(next, std::min(block, n - start));
    // NumPy divides a float32 sum by an integer count in double and then rounds.
    *mean = static_cast<T>(static_cast<double>(sum) / static_cast<double>(n));
    return true;
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

// Returns min(max(x, low), high); comparisons with NaN are false, so it stays.
template <class T>
T clipped(T x, T low, T high) {
    const T raised = x < low ? low : x;
    return raised > high ? high : raised;
}

// x <- min(max(x, low), high)
template <class T>
PYDREAM_CLONES void clip_row(T* x,  // (n,)
                             T low, T high, std::ptrdiff_t n) {
    if (std::isnan(low) || std::isnan(high)) {
        std::fill_n(x, n, std::isnan(low) ? low : high);
        return;
    }
    for (std::ptrdiff_t i = 0; i < n; ++i) x[i] = clipped(x[i], low, high);
}

// x <- clip(x + rate * g), the bounds not NaN
template <class T>
PYDREAM_CLONES void add_clipped(T* __restrict x,        // (n,)
                                const T* __restrict g,  // (n,)
                                T rate, T low, T high, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) x[i] = clipped(x[i] + rate * g[i], low, high);
}

// x[c, i] <- x[c, i] + rate * g[i, c]
template <class T>
PYDREAM_CLONES void add_interleaved(T* __restrict x,          // (channels, n), its rows `plane` apart
                                    const T* __restrict g,    // (n, channels)
                                    T rate,                   //
                                    std::ptrdiff_t plane,     //
                                    std::ptrdiff_t channels,  //
                                    std::ptrdiff_t n) {
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t i = 0; i < n; ++i) x[c * plane + i] += rate * g[i * channels + c];
    }
}

// The same for three channels, and clipped: these loops become vector shuffles. The bounds are not NaN.
template <class T>
PYDREAM_CLONES void add_three_clipped(T* __restrict x,        // (3, n), its rows `plane` apart
                                      const T* __restrict g,  // (n, 3)
                                      T rate,                 //
                                      const T* low,           // (3,)
                                      const T* high,          // (3,)
                                      std::ptrdiff_t plane,   //
                                      std::ptrdiff_t n) {
    T* __restrict x0 = x;
    T* __restrict x1 = x + plane;
    T* __restrict x2 = x + 2 * plane;
    const T low0 = low[0], low1 = low[1], low2 = low[2], high0 = high[0], high1 = high[1], high2 = high[2];
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        x0[i] = clipped(x0[i] + rate * g[3 * i], low0, high0);
        x1[i] = clipped(x1[i] + rate * g[3 * i + 1], low1, high1);
        x2[i] = clipped(x2[i] + rate * g[3 * i + 2], low2, high2);
    }
}

}  // namespace

template <class T>
bool mean_abs(T* mean, const T* g, std::ptrdiff_t n, std::ptrdiff_t block, int threads) {
    return mean_of(mean, Contiguous<T>{g}, n, n, block, threads);
}

template <class T>
bool mean_abs_channels_last(T* mean, const T* g, std::ptrdiff_t channels, std::ptrdiff_t pixels, std::ptrdiff_t block,
                            int threads) {
    return mean_of(mean, ChannelsLast<T>{g, channels, pixels}, channels * pixels, pixels, block, threads);
}

template <class T>
void ascend(T* x, const T* g, std::ptrdiff_t n, T rate, int threads) {
    const auto run = [=](std::ptrdiff_t begin, std::ptrdiff_t end) { add(x + begin, g + begin, rate, end - begin); };
    parallel_for(n, 1, threads, run, worth_moving);
}

template <class T>
void clip(T* x, const T* low, const T* high, std::ptrdiff_t channels, std::ptrdiff_t pixels, int threads) {
    const auto run = [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t c = 0; c < channels; ++c)
            clip_row(x + c * pixels + begin, low[c], high[c], end - begin);
    };
    parallel_for(pixels, channels, threads, run, worth_moving);
}

template <class T>
void ascend_rolled(T* x, const T* g, bool channels_last, std::ptrdiff_t channels, std::ptrdiff_t height,
                   std::ptrdiff_t width, std::ptrdiff_t ox, std::ptrdiff_t oy, T rate, const T* low,
                   const T* high, int threads) {
    const std::ptrdiff_t plane = height * width;
    constexpr T infinity = std::numeric_limits<T>::infinity();
    constexpr std::array<T, 3> least{-infinity, -infinity, -infinity}, most{infinity, infinity, infinity};
    // A NaN bound makes a channel NaN, which a comparison does not.
    const bool nan = low != nullptr && (std::any_of(low, low + channels, [](T bound) { return std::isnan(bound); }) ||
                                        std::any_of(high, high + channels, [](T bound) { return std::isnan(bound); }));
    const auto run = [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t y = begin; y < end; ++y) {  // of x
            const std::ptrdiff_t gy = y < height - oy ? y + oy : y + oy - height;
            T* const row = x + y * width;
            if (channels_last && channels == 3 && !nan) {
                const T* const from = g + gy * width * 3;
                const T* const from_low = low != nullptr ? low : least.data();
                const T* const to_high = low != nullptr ? high : most.data();
                add_three_clipped(row, from + ox * 3, rate, from_low, to_high, plane, width - ox);
                add_three_clipped(row + (width - ox), from, rate, from_low, to_high, plane, ox);
                continue;
            }
            if (channels_last) {
                const T* const from = g + gy * width * channels;
                add_interleaved(row, from + ox * channels, rate, plane, channels, width - ox);
                add_interleaved(row + (width - ox), from, rate, plane, channels, ox);
            }
            for (std::ptrdiff_t c = 0; c < channels; ++c) {
                T* const to = row + c * plane;
                const T* const from = g + c * plane + gy * width;
                if (!channels_last && low != nullptr && !nan) {
                    add_clipped(to, from + ox, rate, low[c], high[c], width - ox);
                    add_clipped(to + (width - ox), from, rate, low[c], high[c], ox);
                    continue;
                }
                if (!channels_last) {
                    add(to, from + ox, rate, width - ox);
                    add(to + (width - ox), from, rate, ox);
                }
                if (low != nullptr) clip_row(to, low[c], high[c], width);  // while the row is in the cache
            }
        }
    };
    parallel_for(height, channels * width, threads, run, worth_moving);
}

#define PYDREAM_INSTANTIATE(T)                                                                      \
    template bool mean_abs(T*, const T*, std::ptrdiff_t, std::ptrdiff_t, int);                      \
    template bool mean_abs_channels_last(T*, const T*, std::ptrdiff_t, std::ptrdiff_t,              \
                                         std::ptrdiff_t, int);                                      \
    template void ascend(T*, const T*, std::ptrdiff_t, T, int);                                     \
    template void clip(T*, const T*, const T*, std::ptrdiff_t, std::ptrdiff_t, int);                \
    template void ascend_rolled(T*, const T*, bool, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t, \
                                std::ptrdiff_t, std::ptrdiff_t, T, const T*, const T*, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
