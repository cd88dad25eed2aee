#include "net.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// ---- The layers, in running order ----

typedef enum { CONVOLUTION, RELU, POOLING, CONCAT, DROPOUT } layer_type;

typedef struct {
    const char* name;
    layer_type type;
    int bottom, top;  // blobs; a Concat's bottoms are `bottom` and the next
    int in, out;      // channels
    int kernel, stride, pad;
} layer;

#define CONV(name, bottom, top, in, out, kernel, stride, pad) \
    {name, CONVOLUTION, bottom, top, in, out, kernel, stride, pad}
#define IN_PLACE(name, type, top, out) {name, type, top, top, out, out, 1, 1, 0}
#define POOL(name, bottom, top, out) {name, POOLING, bottom, top, out, out, 3, 2, 0}
// Blobs b, b+1, b+2 and b+3: squeezed to s channels, twice expanded to e, and both expansions side by side.
#define FIRE(name, bottom, b, in, s, e)                                       \
    CONV(name "/squeeze1x1", bottom, b, in, s, 1, 1, 0),                      \
        IN_PLACE(name "/relu_squeeze1x1", RELU, b, s),                        \
        CONV(name "/expand1x1", b, b + 1, s, e, 1, 1, 0),                     \
        IN_PLACE(name "/relu_expand1x1", RELU, b + 1, e),                     \
        CONV(name "/expand3x3", b, b + 2, s, e, 3, 1, 1),                     \
        IN_PLACE(name "/relu_expand3x3", RELU, b + 2, e), {                   \
        name "/concat", CONCAT, b + 1, b + 3, e, 2 * e, 1, 1, 0               \
    }

static const layer layers[LAYERS] = {
    CONV("conv1", 0, 1, 3, 64, 3, 2, 0),
    IN_PLACE("relu_conv1", RELU, 1, 64),
    POOL("pool1", 1, 2, 64),
    FIRE("fire2", 2, 3, 64, 16, 64),
    FIRE("fire3", 6, 7, 128, 16, 64),
    POOL("pool3", 10, 11, 128),
    FIRE("fire4", 11, 12, 128, 32, 128),
    FIRE("fire5", 15, 16, 256, 32, 128),
    POOL("pool5", 19, 20, 256),
    FIRE("fire6", 20, 21, 256, 48, 192),
    FIRE("fire7", 24, 25, 384, 48, 192),
    FIRE("fire8", 28, 29, 384, 64, 256),
    FIRE("fire9", 32, 33, 512, 64, 256),
    IN_PLACE("drop9", DROPOUT, 36, 512),
    CONV("conv10", 36, 37, 512, 1000, 1, 1, 0),
    IN_PLACE("relu_conv10", RELU, 37, 1000),
};

const char* dream_layer(int index) { return index >= 0 && index < LAYERS ? layers[index].name : NULL; }

int net_find(const char* name) {
    for (int i = 0; i < LAYERS; ++i) {
        if (strcmp(layers[i].name, name) == 0) return i;
    }
    return -1;
}

static size_t weight_count(const layer* l, int kind) {
    if (l->type != CONVOLUTION) return 0;
    return kind == KERNELS ? (size_t)l->out * (size_t)l->in * (size_t)(l->kernel * l->kernel) : (size_t)l->out;
}

size_t dream_weight_count(const char* name, int kind) {
    const int index = name != NULL && (kind == KERNELS || kind == BIAS) ? net_find(name) : -1;
    return index < 0 ? 0 : weight_count(&layers[index], kind);
}

// ---- Memory ----

dream_status net_create(net* n) {
    size_t count = 0;
    for (int i = 0; i < LAYERS; ++i) count += weight_count(&layers[i], KERNELS) + weight_count(&layers[i], BIAS);
    dream_real* next = calloc(count, sizeof *next);
    if (next == NULL) return DREAM_NO_MEMORY;
    memset(n, 0, sizeof *n);
    for (int i = 0; i < LAYERS; ++i) {
        for (int kind = KERNELS; kind <= BIAS; ++kind) {
            n->weights[i][kind] = next;
            next += weight_count(&layers[i], kind);
        }
    }
    return DREAM_OK;
}

void net_free(net* n) { free(n->weights[0][KERNELS]); }

// Convolution rounds down, pooling up.
static int out_size(const layer* l, int size) {
    const int room = size + 2 * l->pad - l->kernel;
    if (room < 0) return l->type == POOLING && room > -l->stride ? 1 : 0;
    return (l->type == POOLING ? room + l->stride - 1 : room) / l->stride + 1;
}

dream_status net_fit(net* n, int end, int height, int width, dream_real* memory, size_t* count) {
    uint64_t used = 0, widest = 0;
    for (int i = -1; i <= end; ++i) {
        const layer* const l = i < 0 ? NULL : &layers[i];
        if (l != NULL && l->top == l->bottom) continue;
        blob* const top = &n->blobs[l == NULL ? 0 : l->top];
        const blob* const bottom = l == NULL ? NULL : &n->blobs[l->bottom];
        top->channels = l == NULL ? 3 : l->out;
        top->height = l == NULL ? height : out_size(l, bottom->height);
        top->width = l == NULL ? width : out_size(l, bottom->width);
        if (top->height < 1 || top->width < 1) return DREAM_TOO_SMALL;
        const uint64_t places = (uint64_t)top->height * (uint64_t)top->width;
        if (memory != NULL) {
            top->data = memory + used;
            top->diff = top->data + places * (uint64_t)top->channels;
        }
        used += 2 * places * (uint64_t)top->channels;
        if (l != NULL && l->kernel > 1 && l->type == CONVOLUTION) {
            const uint64_t columns = places * (uint64_t)(l->in * l->kernel * l->kernel);
            if (columns > widest) widest = columns;
        }
    }
    if (memory != NULL) n->columns = memory + used;
    used += widest;
    if (used > PTRDIFF_MAX / sizeof(dream_real)) return DREAM_TOO_LARGE;
    *count = (size_t)used;
    return DREAM_OK;
}

// ---- Convolution: the windows side by side as a matrix, and products with that ----

// c (rows, columns) += a (rows, depth) b (depth, columns). a's number (row, k) is at a[row * along + k * down].
static void multiply(dream_real* c, const dream_real* a, size_t along, size_t down, const dream_real* b, size_t rows,
                     size_t depth, size_t columns) {
    // A tile of c stays in registers while its sums run. b's part for it is copied, since b's rows are far apart.
    enum { HIGH = 4, WIDE = 32 / sizeof(dream_real), DEEP = 256 };
    dream_real panel[DEEP][WIDE];
    memset(panel, 0, sizeof panel);
    for (size_t first = 0; first < depth; first += DEEP) {
        const size_t deep = depth - first < DEEP ? depth - first : DEEP;
        for (size_t column = 0; column < columns; column += WIDE) {
            const size_t wide = columns - column < WIDE ? columns - column : WIDE;
            for (size_t k = 0; k < deep; ++k) {
                memcpy(panel[k], b + (first + k) * columns + column, wide * sizeof *b);
            }
            for (size_t row = 0; row < rows; row += HIGH) {
                const size_t high = rows - row < HIGH ? rows - row : HIGH;
                const dream_real* factors[HIGH];
                for (size_t r = 0; r < HIGH; ++r) factors[r] = a + (row + (r < high ? r : 0)) * along + first * down;
                dream_real sums[HIGH][WIDE] = {{0}};
                for (size_t k = 0; k < deep; ++k) {
                    for (size_t r = 0; r < HIGH; ++r) {
                        const dream_real factor = factors[r][k * down];
                        for (size_t w = 0; w < WIDE; ++w) sums[r][w] += factor * panel[k][w];
                    }
                }
                for (size_t r = 0; r < high; ++r) {
                    for (size_t w = 0; w < wide; ++w) c[(row + r) * columns + column + w] += sums[r][w];
                }
            }
        }
    }
}

// columns[(c, i, j), (y, x)] <- bottom.data[c, s y + i - p, s x + j - p], 0 outside; or back: bottom.diff there += columns.
static void windows(const layer* l, blob* bottom, const blob* top, dream_real* columns, int back) {
    const int k = l->kernel, s = l->stride, p = l->pad, width = bottom->width;
    for (int row = 0; row < l->in * k * k; ++row) {
        const int c = row / (k * k), i = row / k % k, j = row % k;
        const int left = j < p ? (p - j + s - 1) / s : 0;  // x from left to right is inside
        int right = width + p > j ? (width - 1 + p - j) / s + 1 : 0;
        if (right > top->width) right = top->width;
        for (int y = 0; y < top->height; ++y, columns += top->width) {
            const int from = s * y + i - p;
            const int inside = from >= 0 && from < bottom->height;
            const ptrdiff_t line = ((ptrdiff_t)c * bottom->height + from) * width + j - p;
            if (back) {
                for (int x = left; inside && x < right; ++x) bottom->diff[line + s * x] += columns[x];
            } else {
                memset(columns, 0, (size_t)top->width * sizeof *columns);
                for (int x = left; inside && x < right; ++x) columns[x] = bottom->data[line + s * x];
            }
        }
    }
}

// top <- bias + kernels * windows
static void convolve(net* n, const layer* l, blob* bottom, blob* top) {
    dream_real* const* const weights = n->weights[l - layers];
    const size_t places = (size_t)top->height * (size_t)top->width, taps = (size_t)(l->in * l->kernel * l->kernel);
    for (size_t i = 0; i < (size_t)l->out * places; ++i) top->data[i] = weights[BIAS][i / places];
    if (l->kernel > 1) windows(l, bottom, top, n->columns, 0);
    const dream_real* const columns = l->kernel > 1 ? n->columns : bottom->data;
    multiply(top->data, weights[KERNELS], taps, 1, columns, (size_t)l->out, taps, places);
}

// windows' gradient <- kernels, transposed, * top's
static void convolve_back(net* n, const layer* l, blob* bottom, const blob* top) {
    const dream_real* const kernels = n->weights[l - layers][KERNELS];
    const size_t places = (size_t)top->height * (size_t)top->width, taps = (size_t)(l->in * l->kernel * l->kernel);
    dream_real* const columns = l->kernel > 1 ? n->columns : bottom->diff;
    if (l->kernel > 1) memset(columns, 0, taps * places * sizeof *columns);
    multiply(columns, kernels, 1, taps, top->diff, taps, (size_t)l->out, places);
    if (l->kernel > 1) windows(l, bottom, top, columns, 1);
}

// ---- Pooling ----

// In double, values count as equal that rounding could have made different. The first of equal ones wins.
static dream_real least_to_win(dream_real best) {
#ifdef DREAM_FLOAT32
    return best;
#else
    return best + 1e-9 * (1 + (best < 0 ? -best : best));
#endif
}

// Forward, top's data is the largest of its window; back, bottom's diff of that place gets top's diff.
static void pool(const layer* l, blob* bottom, blob* top, int back) {
    size_t out = 0;
    for (int c = 0; c < top->channels; ++c) {
        const size_t map = (size_t)c * (size_t)bottom->height * (size_t)bottom->width;
        for (int y = 0; y < top->height; ++y) {
            for (int x = 0; x < top->width; ++x, ++out) {
                const int upper = y * l->stride, left = x * l->stride;
                size_t winner = map + (size_t)upper * (size_t)bottom->width + (size_t)left;
                dream_real least = least_to_win(bottom->data[winner]);
                for (int i = upper; i < upper + l->kernel && i < bottom->height; ++i) {
                    for (int j = left; j < left + l->kernel && j < bottom->width; ++j) {
                        const size_t at = map + (size_t)i * (size_t)bottom->width + (size_t)j;
                        if (bottom->data[at] > least) {
                            winner = at;
                            least = least_to_win(bottom->data[at]);
                        }
                    }
                }
                if (back) {
                    bottom->diff[winner] += top->diff[out];
                } else {
                    top->data[out] = bottom->data[winner];
                }
            }
        }
    }
}

// ---- Forward and back ----

static size_t size_of(const blob* b) { return (size_t)b->channels * (size_t)b->height * (size_t)b->width; }

static void forward(net* n, const layer* l) {
    blob *const bottom = &n->blobs[l->bottom], *const top = &n->blobs[l->top];
    const size_t size = size_of(bottom);
    switch (l->type) {
        case CONVOLUTION: convolve(n, l, bottom, top); break;
        case POOLING: pool(l, bottom, top, 0); break;
        case CONCAT:
            memcpy(top->data, bottom[0].data, size * sizeof *top->data);
            memcpy(top->data + size, bottom[1].data, size * sizeof *top->data);
            break;
        case RELU:
            for (size_t i = 0; i < size; ++i) top->data[i] = top->data[i] > 0 ? top->data[i] : 0;
            break;
        case DROPOUT: break;
    }
}

// Add to the gradient of the bottom. In place it becomes that of what was there before.
static void backward(net* n, const layer* l) {
    blob *const bottom = &n->blobs[l->bottom], *const top = &n->blobs[l->top];
    const size_t size = size_of(bottom);
    switch (l->type) {
        case CONVOLUTION: convolve_back(n, l, bottom, top); break;
        case POOLING: pool(l, bottom, top, 1); break;
        case CONCAT:
            for (size_t i = 0; i < size; ++i) {
                bottom[0].diff[i] += top->diff[i];
                bottom[1].diff[i] += top->diff[size + i];
            }
            break;
        case RELU:
            for (size_t i = 0; i < size; ++i) top->diff[i] = top->data[i] > 0 ? top->diff[i] : 0;
            break;
        case DROPOUT: break;
    }
}

void net_gradient(net* n, int end) {
    for (int i = 0; i <= end; ++i) forward(n, &layers[i]);
    for (int b = 0; b <= layers[end].top; ++b) memset(n->blobs[b].diff, 0, size_of(&n->blobs[b]) * sizeof(dream_real));
    const blob* const top = &n->blobs[layers[end].top];
    memcpy(top->diff, top->data, size_of(top) * sizeof(dream_real));
    for (int i = end; i >= 0; --i) backward(n, &layers[i]);
}
