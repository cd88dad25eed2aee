// Included by tile.cpp for each kind of vectors, into a namespace and with instructions of its own. Needs
// PYDREAM_VECTOR_BYTES, and PYDREAM_TILE_ROWS: 4 or 8 rows, whose sums fit into the registers.

constexpr int vectors = 3;  // in a row of a tile

#ifdef __GNUC__
template <class T>
struct Lanes {
    typedef T Vector __attribute__((vector_size(PYDREAM_VECTOR_BYTES)));
};

// Returns `value` where `test` is above 0, else 0.
template <class Vector>
inline Vector where_positive(const Vector& test, const Vector& value) {
    return test > 0 ? value : Vector{};
}
#else
template <class T>
struct Lanes {
    using Vector = Scalars<T, PYDREAM_VECTOR_BYTES / sizeof(T)>;
};
#endif

template <class Vector, class T>
inline Vector load(const T* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}

template <class T, int rows>
void run(const Tile<T>& tile) {
    using Vector = typename Lanes<T>::Vector;
    constexpr std::ptrdiff_t lanes = PYDREAM_VECTOR_BYTES / sizeof(T);
    Vector sum[rows][vectors];
    PYDREAM_UNROLL
    for (int r = 0; r < rows; ++r) {
        PYDREAM_UNROLL
        for (int v = 0; v < vectors; ++v) {
            sum[r][v] = tile.add ? load<Vector>(tile.out + r * tile.stride + v * lanes) : Vector{};
        }
    }
    const T *weights = tile.weights, *source = tile.source;
    for (std::ptrdiff_t c = 0; c < tile.channels; ++c, source += tile.channel_stride) {
        for (int i = 0; i < tile.ahead_lines; ++i) {
            PYDREAM_PREFETCH(tile.ahead + c * tile.ahead_stride + i * cache_line<T>);
        }
        for (std::ptrdiff_t t = 0; t < tile.taps; ++t, weights += rows) {
            const T* const at = source + tile.offsets[t];
            Vector x[vectors];
            PYDREAM_UNROLL
            for (int v = 0; v < vectors; ++v) x[v] = load<Vector>(at + v * lanes);
            PYDREAM_UNROLL
            for (int r = 0; r < rows; ++r) {
                PYDREAM_UNROLL
                for (int v = 0; v < vectors; ++v) sum[r][v] += weights[r] * x[v];
            }
        }
    }
    PYDREAM_UNROLL
    for (int r = 0; r < rows; ++r) {
        PYDREAM_UNROLL
        for (int v = 0; v < vectors; ++v) {
            const std::ptrdiff_t at = r * tile.stride + v * lanes;
            if (tile.bias) sum[r][v] += tile.bias[r];
            if (tile.rectify) sum[r][v] = where_positive(sum[r][v], sum[r][v]);
            if (tile.positive) sum[r][v] = where_positive(load<Vector>(tile.positive + at), sum[r][v]);
            std::memcpy(tile.out + at, &sum[r][v], sizeof sum[r][v]);
        }
    }
}

template <class T>
constexpr Tiles<T> tiles(const char* name) {
    constexpr std::ptrdiff_t columns = vectors * PYDREAM_VECTOR_BYTES / static_cast<int>(sizeof(T));
    static_assert(columns <= Tiles<T>::most_columns && PYDREAM_TILE_ROWS <= Tiles<T>::most_rows);
    return {name, PYDREAM_TILE_ROWS, columns,
            {run<T, 1>, run<T, 2>, run<T, 3>, run<T, 4>,
#if PYDREAM_TILE_ROWS == 8
             run<T, 5>, run<T, 6>, run<T, 7>, run<T, 8>
#endif
            }};
}
