// Dreams a picture from files: the dream of dream.h, with arrays as `pydream vectors` writes them. README.md has commands.
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dream.h"
#include "npy.h"

static const char usage[] =
    "usage: %s WEIGHTS PICTURE SHIFTS SAVED [OPTION VALUE]...\n"
    "  WEIGHTS     squeezenet_v1.1.caffemodel, or the folder that `pydream vectors --weights` wrote\n"
    "  PICTURE     .npy, (height, width, 3), RGB of 8 bits\n"
    "  SHIFTS      .npy, (steps, 2): ox and oy of each step\n"
    "  SAVED       .npy to write: the dream, 8 bits\n"
    "  --end       layer whose activations grow (fire8/concat)\n"
    "  --octaves   number of sizes, of which each has as many steps (4)\n"
    "  --scale     of a size to the next smaller one (1.4)\n"
    "  --step      mean change of a number in a step (1.5)\n"
    "  --dream     .npy to write: the dream before it is made 8 bits\n"
    "  --rms       .npy to write: the image's root mean square after each step\n";

static const char* const real_type = sizeof(dream_real) == sizeof(float) ? "<f4" : "<f8";

static int failed(const char* name, const char* what) {
    fprintf(stderr, "%s: %s\n", name, what);
    return 0;
}

static int ends_with(const char* text, const char* end) {
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static int read_array(const char* path, npy* array) {
    const char* const fault = npy_read(path, array);
    return fault == NULL || failed(path, fault);
}

// ---- Weights ----

static int read_caffemodel(const char* path, dream* d) {
    enum { MOST = 16 << 20 };
    FILE* const file = fopen(path, "rb");
    if (file == NULL) return failed(path, strerror(errno));
    unsigned char* const bytes = malloc(MOST);
    const size_t size = bytes == NULL ? 0 : fread(bytes, 1, MOST, file);
    const dream_status status = bytes == NULL ? DREAM_NO_MEMORY : dream_caffemodel(d, bytes, size);
    fclose(file);
    free(bytes);
    return status == DREAM_OK || failed(path, dream_status_text(status));
}

// network.003.weights0.npy has the kernels of layer 3, network.003.weights1.npy its bias.
static int read_folder(const char* folder, dream* d) {
    const char* layer;
    for (int i = 0; (layer = dream_layer(i)) != NULL; ++i) {
        for (int kind = 0; kind < 2 && dream_weight_count(layer, kind) > 0; ++kind) {
            char path[4096];
            if (snprintf(path, sizeof path, "%s/network.%03d.weights%d.npy", folder, i, kind) >= (int)sizeof path) {
                return failed(folder, "the name is too long");
            }
            npy array;
            if (!read_array(path, &array)) return 0;
            float* const values = malloc(array.count * sizeof *values + 1);
            for (size_t j = 0; values != NULL && j < array.count; ++j) values[j] = (float)npy_number(&array, j);
            const dream_status status =
                values == NULL ? DREAM_NO_MEMORY : dream_weights(d, layer, kind, values, array.count);
            free(values);
            free(array.bytes);
            if (status != DREAM_OK) return failed(path, dream_status_text(status));
        }
    }
    return 1;
}

// ---- Results ----

static int write_array(const char* path, npy* array) {
    const char* const fault = npy_write(path, array);
    return fault == NULL || failed(path, fault);
}

static int write_saved(const char* path, const dream* d) {
    const size_t shape[3] = {(size_t)dream_height(d), (size_t)dream_width(d), 3};
    npy saved;
    const char* const fault = npy_make(&saved, "|u1", 3, shape);
    if (fault != NULL) return failed(path, fault);
    (void)dream_picture(d, saved.bytes);
    const int good = write_array(path, &saved);
    free(saved.bytes);
    return good;
}

// The image plus the mean, channels reversed and last.
static int write_dream(const char* path, const dream* d) {
    static const dream_real mean[3] = {104, 116, 122};
    const size_t shape[3] = {(size_t)dream_height(d), (size_t)dream_width(d), 3}, pixels = shape[0] * shape[1];
    npy picture;
    const char* const fault = npy_make(&picture, real_type, 3, shape);
    if (fault != NULL) return failed(path, fault);
    for (size_t i = 0; i < 3 * pixels; ++i) {
        const size_t c = i / pixels;
        npy_set(&picture, 3 * (i % pixels) + 2 - c, (double)(dream_image(d)[i] + mean[c]));
    }
    const int good = write_array(path, &picture);
    free(picture.bytes);
    return good;
}

static double image_rms(const dream* d) {
    const size_t count = 3 * (size_t)dream_height(d) * (size_t)dream_width(d);
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += (double)dream_image(d)[i] * (double)dream_image(d)[i];
    return sqrt(sum / (double)count);
}

// ---- A run ----

typedef struct {
    const char *weights, *picture, *shifts, *saved, *end, *dream, *rms;
    double scale, step;
    int octaves;
} options;

// Whether all numbers are whole, and fit an int.
static int are_shifts(const npy* shifts) {
    for (size_t i = 0; i < shifts->count; ++i) {
        const double value = npy_number(shifts, i);
        if (!(fabs(value) <= INT_MAX && rint(value) == value)) return 0;
    }
    return 1;
}

static int run(const options* o, dream* d, npy* picture, npy* shifts, npy* rms) {
    if (!(ends_with(o->weights, ".caffemodel") ? read_caffemodel : read_folder)(o->weights, d)) return 0;
    if (!read_array(o->picture, picture) || !read_array(o->shifts, shifts)) return 0;
    if (strcmp(picture->type, "|u1") != 0 || picture->dims != 3 || picture->shape[2] != 3 ||
        picture->shape[0] > 32768 || picture->shape[1] > 32768) {
        return failed(o->picture, "not (height, width, 3) of |u1, with sides of up to 32768");
    }
    if (shifts->dims != 2 || shifts->shape[1] != 2 || shifts->shape[0] > 1000000 || o->octaves < 1 ||
        shifts->shape[0] == 0 || shifts->shape[0] % (size_t)o->octaves != 0) {
        return failed(o->shifts, "not (steps, 2), with as many steps in each octave");
    }
    if (!are_shifts(shifts)) return failed(o->shifts, "shifts are not whole numbers of up to 31 bits");
    const size_t steps = shifts->shape[0];
    const char* const fault = npy_make(rms, real_type, 1, &steps);
    if (fault != NULL) return failed(o->shifts, fault);

    dream_status status = dream_begin(d, picture->bytes, (int)picture->shape[0], (int)picture->shape[1], o->end,
                                      o->octaves, o->scale, (int)steps / o->octaves, o->step);
    for (size_t i = 0; status == DREAM_OK && i < steps; ++i) {
        status = dream_step(d, (int)npy_number(shifts, 2 * i), (int)npy_number(shifts, 2 * i + 1));
        if (status == DREAM_OK) npy_set(rms, i, image_rms(d));
        fprintf(stderr, "\r%d of %d steps", dream_done(d), (int)steps);
    }
    fputc('\n', stderr);
    if (status != DREAM_OK) return failed(o->picture, dream_status_text(status));
    if (o->dream != NULL && !write_dream(o->dream, d)) return 0;
    if (o->rms != NULL && !write_array(o->rms, rms)) return 0;
    return write_saved(o->saved, d);
}

static int read_number(const char* text, double* value) {
    char* end;
    *value = strtod(text, &end);
    return end != text && *end == '\0';
}

// Returns 0 for an option that is none, or a value that is none.
static int read_option(const char* name, const char* value, options* o) {
    double octaves;
    if (strcmp(name, "--end") == 0) return (o->end = value) != NULL;
    if (strcmp(name, "--dream") == 0) return (o->dream = value) != NULL;
    if (strcmp(name, "--rms") == 0) return (o->rms = value) != NULL;
    if (strcmp(name, "--scale") == 0) return read_number(value, &o->scale) && o->scale >= 1;
    if (strcmp(name, "--step") == 0) return read_number(value, &o->step) && fabs(o->step) <= DBL_MAX;
    if (strcmp(name, "--octaves") != 0 || !read_number(value, &octaves) || !(octaves >= 1 && octaves <= 32)) return 0;
    o->octaves = (int)octaves;
    return o->octaves == octaves;
}

int main(int count, char** words) {
    options o = {.end = "fire8/concat", .octaves = 4, .scale = 1.4, .step = 1.5};
    int good = count >= 5 && count % 2 == 1;
    for (int i = 5; good && i < count; i += 2) good = read_option(words[i], words[i + 1], &o);
    if (!good) {
        fprintf(stderr, usage, words[0]);
        return 2;
    }
    o.weights = words[1], o.picture = words[2], o.shifts = words[3], o.saved = words[4];

    dream* d;
    npy picture = {.bytes = NULL}, shifts = {.bytes = NULL}, rms = {.bytes = NULL};
    const dream_status status = dream_create(&d);
    good = status == DREAM_OK ? run(&o, d, &picture, &shifts, &rms) : failed(words[0], dream_status_text(status));
    dream_destroy(d);
    free(picture.bytes);
    free(shifts.bytes);
    free(rms.bytes);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
