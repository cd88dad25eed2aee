// The image side of one step of a dream: enlarge the octave, shift, pass to the network, ascend by its gradient.
//
// Picture and gradient are synthetic, so that every machine prints the numbers of expected.txt.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pydream.h"

enum { CHANNELS = 3, SMALL_HEIGHT = 96, SMALL_WIDTH = 128, HEIGHT = 134, WIDTH = 179 };

static void must(pydream_status status, const char* what) {
    if (status == PYDREAM_OK) return;
    fprintf(stderr, "%s: %s\n", what, pydream_status_text(status));
    exit(EXIT_FAILURE);
}

static float* floats(size_t count) {
    float* const array = malloc(count * sizeof *array);
    if (array == NULL) must(PYDREAM_NO_MEMORY, "malloc");
    return array;
}

// Sixteen bits that look random.
static uint32_t noise(uint32_t i) { return (uint32_t)(i * UINT32_C(2654435761)) >> 16; }

// FNV-1a of the numbers' bits, low byte first.
static uint64_t checksum(const float* array, size_t count) {
    uint64_t sum = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < count; ++i) {
        uint32_t bits;
        memcpy(&bits, &array[i], sizeof bits);
        for (int shift = 0; shift < 32; shift += 8) sum = (sum ^ (bits >> shift & 255)) * UINT64_C(1099511628211);
    }
    return sum;
}

int main(void) {
    const size_t small_count = (size_t)CHANNELS * SMALL_HEIGHT * SMALL_WIDTH, count = (size_t)CHANNELS * HEIGHT * WIDTH;
    const float mean_color[CHANNELS] = {104, 116, 122};  // blue, green, red: the notebook's
    const int channels_last = 1, all_threads = 0;
    const ptrdiff_t ox = -13, oy = 32;  // the jitter of this step

    // The last octave's picture, 0..255 minus the network's mean.
    float* const small = floats(small_count);  // (CHANNELS, SMALL_HEIGHT, SMALL_WIDTH)
    for (size_t i = 0; i < small_count; ++i) {
        small[i] = (float)noise((uint32_t)i) / 256 - mean_color[i / (small_count / CHANNELS)];
    }

    float* const image = floats(count);  // (CHANNELS, HEIGHT, WIDTH)
    must(pydream_zoom_f32(image, small, CHANNELS, SMALL_HEIGHT, SMALL_WIDTH, HEIGHT, WIDTH, all_threads), "zoom");
    printf("zoomed   %016" PRIx64 "\n", checksum(image, count));

    float* const data = floats(count);  // (1, HEIGHT, WIDTH, CHANNELS), the network's input
    must(pydream_to_tensor_f32(data, image, CHANNELS, HEIGHT, WIDTH, ox, oy, channels_last, all_threads), "to_tensor");
    printf("data     %016" PRIx64 "\n", checksum(data, count));

    // Here a network runs forward and backward. Its gradient has the shape of data.
    float* const gradient = floats(count);
    for (size_t i = 0; i < count; ++i) {
        gradient[i] = ((float)noise((uint32_t)(i + small_count)) - 32768) / 16777216;
    }

    float low[CHANNELS], high[CHANNELS], mean;
    for (int c = 0; c < CHANNELS; ++c) {
        low[c] = -mean_color[c];
        high[c] = 255 - mean_color[c];
    }
    must(pydream_ascend_tensor_f32(image, gradient, CHANNELS, HEIGHT, WIDTH, ox, oy, channels_last, 1.5, low, high,
                                   &mean, PYDREAM_SUM_WHOLE, all_threads),
         "ascend_tensor");
    printf("mean|g|  %.9g\n", (double)mean);
    printf("ascended %016" PRIx64 "\n", checksum(image, count));

    free(gradient);
    free(data);
    free(image);
    free(small);
    return EXIT_SUCCESS;
}
