#include "passes/elementwise.hpp"

#include <algorithm>

#include "clones.hpp"
#include "parallel.hpp"

namespace pydream {

namespace {

template <class T>
PYDREAM_CLONES void choose(T* __restrict out, const T* x, const T* values, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = x[i] > 0 ? values[i] : T{0};
}

template <class T>
PYDREAM_CLONES void choose_sloping(T* __restrict out, const T* x, const T* values, T slope, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        const T value = values[i], below = slope * value;
        out[i] = x[i] > 0 ? value : below;
    }
}

template <class T>
PYDREAM_CLONES void add(T* __restrict out, const T* a, const T* __restrict b, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] = a[i] + b[i];
}

template <class T>
PYDREAM_CLONES void add_to(T* __restrict out, const T* __restrict b, std::ptrdiff_t n) {
    for (std::ptrdiff_t i = 0; i < n; ++i) out[i] += b[i];
}

}  // namespace

template <class T>
void rectify(T* out, const T* x, const T* values, std::ptrdiff_t count, T slope, int threads) {
    parallel_for(count, 1, threads, [=](std::ptrdiff_t begin, std::ptrdiff_t end) {
        if (slope == 0) {  // 0 times infinity would be NaN
            choose(out + begin, x + begin, values + begin, end - begin);
        } else {
            choose_sloping(out + begin, x + begin, values + begin, slope, end - begin);
        }
    });
}

template <class T>
void add_up(T* out, const std::vector<const T*>& terms, std::ptrdiff_t count, int threads) {
    constexpr std::ptrdiff_t part = 2048;  // so that the sums stay in the cache
    parallel_for(count, 1, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t at = begin; at < end; at += part) {
            const std::ptrdiff_t n = std::min(part, end - at);
            add(out + at, terms[0] + at, terms[1] + at, n);
            for (std::size_t i = 2; i < terms.size(); ++i) add_to(out + at, terms[i] + at, n);
        }
    });
}

template <class T>
void join(T* out, const std::vector<const T*>& parts, const std::vector<std::ptrdiff_t>& lengths, std::ptrdiff_t n,
          int threads) {
    std::ptrdiff_t whole = 0;
    for (const std::ptrdiff_t length : lengths) whole += length;
    parallel_for(n * whole, 1, threads, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
        for (std::ptrdiff_t row = begin / whole; row * whole < end; ++row) {
            std::ptrdiff_t first = row * whole;  // in `out`, of a part
            for (std::size_t i = 0; i < parts.size(); ++i) {
                const std::ptrdiff_t from = std::max(begin, first), to = std::min(end, first + lengths[i]);
                const T* const source = parts[i] + row * lengths[i];
                if (from < to) std::copy(source + (from - first), source + (to - first), out + from);
                first += lengths[i];
            }
        }
    });
}

#define PYDREAM_INSTANTIATE(T)                                                                                      \
    template void rectify(T*, const T*, const T*, std::ptrdiff_t, T, int);                                          \
    template void add_up(T*, const std::vector<const T*>&, std::ptrdiff_t, int);                                    \
    template void join(T*, const std::vector<const T*>&, const std::vector<std::ptrdiff_t>&, std::ptrdiff_t, int);
PYDREAM_INSTANTIATE(float)
PYDREAM_INSTANTIATE(double)

}  // namespace pydream
