#include "dream.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "net.h"
#include "pydream.h"

#ifdef DREAM_FLOAT32
#define PYDREAM(name) pydream_##name##_f32
#else
#define PYDREAM(name) pydream_##name##_f64
#endif

enum { OCTAVES = 32, LARGEST = 32768, MOST_STEPS = 1000000, ONE_THREAD = 1 };

struct dream {
    net net;
    dream_real* memory;  // of one dream: null before dream_begin
    dream_real *image,   // (3, height, width) at work
        *bases[OCTAVES];  // the picture in each size, the largest first
    int height[OCTAVES], width[OCTAVES];
    int end, octave_n, iter_n;
    int at, done;  // the octave at work, steps that are done
    double step_size;
};

static const dream_real mean[3] = {104, 116, 122};  // blue, green, red

const char* dream_status_text(dream_status status) {
    switch (status) {
        case DREAM_OK: return "no error";
        case DREAM_BAD_ARGUMENT: return "a pointer is null or a number is out of its range";
        case DREAM_NO_LAYER: return "no layer of the network has this name";
        case DREAM_BAD_WEIGHTS: return "these are not the weights of SqueezeNet v1.1";
        case DREAM_TOO_SMALL: return "the picture is too small for the layer and the number of octaves";
        case DREAM_TOO_LARGE: return "the picture needs more memory than an address can say";
        case DREAM_NO_MEMORY: return "there is not enough memory";
        case DREAM_NOT_BEGUN: return "weights are not set, or no dream has begun";
        case DREAM_FINISHED: return "all steps are done";
        case DREAM_NO_STEP: return "no step can be taken: the gradient is 0 everywhere or not finite";
        default: return "not a status";
    }
}

dream_status dream_create(dream** made) {
    if (made == NULL) return DREAM_BAD_ARGUMENT;
    *made = NULL;
    dream* const d = calloc(1, sizeof *d);
    if (d == NULL) return DREAM_NO_MEMORY;
    const dream_status status = net_create(&d->net);
    if (status == DREAM_OK) {
        *made = d;
    } else {
        free(d);
    }
    return status;
}

void dream_destroy(dream* d) {
    if (d == NULL) return;
    free(d->memory);
    net_free(&d->net);
    free(d);
}

dream_status dream_weights(dream* d, const char* name, int kind, const float* values, size_t count) {
    if (d == NULL || name == NULL || values == NULL) return DREAM_BAD_ARGUMENT;
    if (count == 0 || count != dream_weight_count(name, kind)) return DREAM_BAD_WEIGHTS;
    const int index = net_find(name);
    for (size_t i = 0; i < count; ++i) d->net.weights[index][kind][i] = values[i];
    d->net.is_set[index][kind] = 1;
    return DREAM_OK;
}

// The first layer without weights, of those in front of `behind`; null if there is none.
static const char* missing(const dream* d, int behind) {
    for (int i = 0; i < behind; ++i) {
        for (int kind = KERNELS; kind <= BIAS; ++kind) {
            if (dream_weight_count(dream_layer(i), kind) > 0 && !d->net.is_set[i][kind]) return dream_layer(i);
        }
    }
    return NULL;
}

const char* dream_missing(const dream* d) { return missing(d, LAYERS); }

// ---- Octaves ----

static size_t image_size(const dream* d, int o) { return 3 * (size_t)d->height[o] * (size_t)d->width[o]; }

dream_status dream_begin(dream* d, const unsigned char* picture, int height, int width, const char* end, int octave_n,
                         double octave_scale, int iter_n, double step_size) {
    if (d == NULL) return DREAM_BAD_ARGUMENT;
    free(d->memory);
    d->memory = NULL;
    if (picture == NULL || end == NULL || height < 1 || height > LARGEST || width < 1 || width > LARGEST ||
        octave_n < 1 || octave_n > OCTAVES || !(octave_scale >= 1) || iter_n < 1 || iter_n > MOST_STEPS ||
        !(fabs(step_size) <= DBL_MAX)) {
        return DREAM_BAD_ARGUMENT;
    }
    d->end = net_find(end);
    if (d->end < 0) return DREAM_NO_LAYER;
    if (missing(d, d->end + 1) != NULL) return DREAM_NOT_BEGUN;

    // Each size is the one before divided by the scale, rounded, halves to even.
    size_t blobs = 0, most = 0;
    uint64_t images = 0;
    for (int o = 0; o < octave_n; ++o) {
        d->height[o] = o == 0 ? height : (int)rint(d->height[o - 1] / octave_scale);
        d->width[o] = o == 0 ? width : (int)rint(d->width[o - 1] / octave_scale);
        if (d->height[o] < 1 || d->width[o] < 1) return DREAM_TOO_SMALL;
        const dream_status status = net_fit(&d->net, d->end, d->height[o], d->width[o], NULL, &blobs);
        if (status != DREAM_OK) return status;
        if (blobs > most) most = blobs;
        images += (o == 0 ? 2 : 1) * (uint64_t)image_size(d, o);
    }
    if (most + images > PTRDIFF_MAX / sizeof(dream_real)) return DREAM_TOO_LARGE;
    d->memory = malloc((most + (size_t)images) * sizeof *d->memory);
    if (d->memory == NULL) return DREAM_NO_MEMORY;
    d->octave_n = octave_n;
    d->iter_n = iter_n;
    d->step_size = step_size;
    d->done = 0;

    // image = picture - mean, channels first and reversed; then each octave from the one before.
    d->image = d->memory + most;
    d->bases[0] = d->image + image_size(d, 0);
    const size_t pixels = (size_t)height * (size_t)width;
    for (size_t i = 0; i < 3 * pixels; ++i) {
        const size_t c = i / pixels, pixel = i % pixels;
        d->bases[0][i] = picture[3 * pixel + 2 - c] - mean[c];
    }
    for (int o = 1; o < octave_n; ++o) {
        d->bases[o] = d->bases[o - 1] + image_size(d, o - 1);
        if (PYDREAM(zoom)(d->bases[o], d->bases[o - 1], 3, d->height[o - 1], d->width[o - 1], d->height[o],
                          d->width[o], ONE_THREAD) != PYDREAM_OK) {
            free(d->memory);
            d->memory = NULL;
            return DREAM_NO_MEMORY;
        }
    }
    d->at = octave_n - 1;
    for (size_t i = 0; i < image_size(d, d->at); ++i) d->image[i] = d->bases[d->at][i];
    (void)net_fit(&d->net, d->end, d->height[d->at], d->width[d->at], d->memory, &blobs);
    return DREAM_OK;
}

// image = base + zoom(detail), detail = image - base of the octave before. The network's memory is free meanwhile.
static dream_status next_octave(dream* d) {
    const int from = d->at, to = from - 1;
    size_t count;
    (void)net_fit(&d->net, d->end, d->height[to], d->width[to], d->memory, &count);
    dream_real *const small = d->net.blobs[0].diff, *const detail = d->net.blobs[0].data;
    for (size_t i = 0; i < image_size(d, from); ++i) small[i] = d->image[i] - d->bases[from][i];
    const pydream_status zoomed = PYDREAM(zoom)(detail, small, 3, d->height[from], d->width[from], d->height[to],
                                                d->width[to], ONE_THREAD);
    if (zoomed != PYDREAM_OK) return DREAM_NO_MEMORY;
    for (size_t i = 0; i < image_size(d, to); ++i) d->image[i] = d->bases[to][i] + detail[i];
    d->at = to;
    return DREAM_OK;
}

// ---- A step ----

dream_status dream_step(dream* d, int ox, int oy) {
    if (d == NULL) return DREAM_BAD_ARGUMENT;
    if (d->memory == NULL) return DREAM_NOT_BEGUN;
    if (d->done == dream_steps(d)) return DREAM_FINISHED;
    if (d->at > d->octave_n - 1 - d->done / d->iter_n && next_octave(d) != DREAM_OK) return DREAM_NO_MEMORY;

    const dream_real low[3] = {-mean[0], -mean[1], -mean[2]}, high[3] = {255 - mean[0], 255 - mean[1], 255 - mean[2]};
    const int height = d->height[d->at], width = d->width[d->at];
    const blob* const data = &d->net.blobs[0];
    if (PYDREAM(roll)(data->data, d->image, 3, height, width, ox, oy, ONE_THREAD) != PYDREAM_OK) {
        return DREAM_NO_MEMORY;
    }
    net_gradient(&d->net, d->end);
    const pydream_status ascended = PYDREAM(ascend_tensor)(d->image, data->diff, 3, height, width, ox, oy, 0,
                                                           d->step_size, low, high, NULL, PYDREAM_SUM_WHOLE, ONE_THREAD);
    if (ascended == PYDREAM_NO_STEP) return DREAM_NO_STEP;
    if (ascended != PYDREAM_OK) return DREAM_NO_MEMORY;
    d->done += 1;
    return DREAM_OK;
}

// ---- What there is ----

int dream_done(const dream* d) { return d == NULL || d->memory == NULL ? 0 : d->done; }
int dream_steps(const dream* d) { return d == NULL || d->memory == NULL ? 0 : d->octave_n * d->iter_n; }
int dream_height(const dream* d) { return d == NULL || d->memory == NULL ? 0 : d->height[d->at]; }
int dream_width(const dream* d) { return d == NULL || d->memory == NULL ? 0 : d->width[d->at]; }
const dream_real* dream_image(const dream* d) { return d == NULL || d->memory == NULL ? NULL : d->image; }

dream_status dream_picture(const dream* d, unsigned char* out) {
    if (d == NULL || out == NULL) return DREAM_BAD_ARGUMENT;
    if (d->memory == NULL) return DREAM_NOT_BEGUN;
    const size_t pixels = image_size(d, d->at) / 3;
    for (size_t i = 0; i < 3 * pixels; ++i) {
        const size_t c = i / pixels, pixel = i % pixels;
        const dream_real value = d->image[i] + mean[c];
        out[3 * pixel + 2 - c] = (unsigned char)(value > 0 ? value < 255 ? value : 255 : 0);
    }
    return DREAM_OK;
}
