// pydream.h is C99, needs no other header before it, and declares every function of the library.
#include "pydream.h"

#if PYDREAM_VERSION_NUMBER < 100
#error "a version below 0.1.0"
#endif

static float f32[12];
static double f64[12];
static const double two[2] = {1, 1};

// Calls each function once with sizes that it refuses; returns how many calls were refused.
int header_refusals(void);

int header_refusals(void) {
    int refused = 0;
    refused += pydream_roll_f32(f32, f32 + 6, 0, 1, 1, 0, 0, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_roll_f64(f64, f64 + 6, 0, 1, 1, 0, 0, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_to_tensor_f32(f32, f32 + 6, 1, 0, 1, 0, 0, 1, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_to_tensor_f64(f64, f64 + 6, 1, 0, 1, 0, 0, 1, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_zoom_f32(f32, f32 + 6, 1, 1, 0, 1, 1, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_zoom_f64(f64, f64 + 6, 1, 1, 0, 1, 1, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_affine_transform_f32(f32, f32 + 6, 1, 0, 1, two, 1, two, 0, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_affine_transform_f64(f64, f64 + 6, 1, 1, 0, two, 1, two, 1, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_affine_transform_adjoint_f32(f32, f32 + 6, 1, 0, 1, two, 1, two, 0, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_affine_transform_adjoint_f64(f64, f64 + 6, 1, 1, 0, two, 1, two, 1, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_mean_abs_f32(f32, f32 + 6, 0, PYDREAM_SUM_WHOLE, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_mean_abs_f64(f64, f64 + 6, 0, PYDREAM_SUM_WHOLE, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_ascend_f32(f32, f32 + 6, 0, 1.5, PYDREAM_SUM_BUFFERS, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_ascend_f64(f64, f64 + 6, 0, 1.5, PYDREAM_SUM_BUFFERS, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_clip_f32(f32, f32 + 6, f32 + 7, 1, 0, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_clip_f64(f64, f64 + 6, f64 + 7, 1, 0, 1) == PYDREAM_BAD_SIZE;
    refused += pydream_ascend_tensor_f32(f32, f32 + 6, 1, 1, 0, 0, 0, 1, 1.5, NULL, NULL, NULL, PYDREAM_SUM_WHOLE,
                                         1) == PYDREAM_BAD_SIZE;
    refused += pydream_ascend_tensor_f64(f64, f64 + 6, 1, 1, 0, 0, 0, 1, 1.5, NULL, NULL, NULL, PYDREAM_SUM_WHOLE,
                                         1) == PYDREAM_BAD_SIZE;
    return refused;
}
