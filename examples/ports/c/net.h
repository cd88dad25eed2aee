// SqueezeNet v1.1 as the dream uses it: up to a layer, and back to the image.
#ifndef NET_H
#define NET_H

#include "dream.h"

enum { LAYERS = 64, BLOBS = 38, KERNELS = 0, BIAS = 1 };

// Activations, and the gradient with respect to them.
typedef struct {
    int channels, height, width;
    dream_real *data, *diff;  // (channels, height, width) both
} blob;

typedef struct {
    dream_real* weights[LAYERS][2];  // kernels and bias, where a layer has them
    char is_set[LAYERS][2];
    blob blobs[BLOBS];    // the first is the image
    dream_real* columns;  // the windows of one convolution, side by side
} net;

// The number of a layer; -1 if there is none of that name.
int net_find(const char* name);

// Memory for all weights, zeros; freed by net_free. Errors: NO_MEMORY.
dream_status net_create(net* n);
void net_free(net* n);

// Lay out the blobs for an image of this size, up to layer `end`; the arrays follow each other from `memory`.
// *count <- their numbers in all. With null memory only that is computed. Errors: TOO_SMALL, TOO_LARGE.
dream_status net_fit(net* n, int end, int height, int width, dream_real* memory, size_t* count);

// blobs[0].diff <- gradient of half the sum of squares of layer end's activations, at blobs[0].data.
void net_gradient(net* n, int end);

#endif  // NET_H
