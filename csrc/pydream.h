// pydream's image core for C and C++: what a step of the 2015 DeepDream does to the picture around the network.
//
//     out = affine_transform(frame)        between the frames of a zoom loop
//     out = zoom(image)                    between octaves
//     data = to_tensor(image, ox, oy)      jitter, in the network's layout
//     g = the network's gradient of the objective with respect to data
//     ascend_tensor(image, g, ox, oy)      image += step_size / mean|g| * g, unrolled, clipped
//
// and affine_transform_adjoint, which brings a gradient back through an affine_transform before the network.
//
// Results equal those of the NumPy and SciPy functions named below bit for bit, for any number of threads and on every
// processor; which bits a NaN has may differ. docs/c-library.md describes how to build and link, for WebAssembly and
// boards without threads too; examples/c/step.c is one step.
//
// Arrays    An image is (channels, height, width), C-contiguous: pixel (c, y, x) is at (c * height + y) * width + x.
//           Values have no fixed unit; in the notebook they are 0..255 minus the network's mean. A frame, for the
//           affine transform and its adjoint alone, is (height, width, channels). _f32 takes float, _f64 double. Sizes count elements
//           and are at least 1; no array has more than PTRDIFF_MAX bytes.
// Memory    Every array belongs to the caller. A call keeps nothing when it returns; it allocates rows for a zoom or an
//           affine transform, partial sums for a mean, with malloc, and what threads need.
// Errors    A function returns PYDREAM_OK or the status of an error; no C++ exception leaves it. Arguments are checked
//           before anything is written. An error leaves the arrays unchanged, except that a zoom or an affine transform
//           that runs out of memory may have written a part of `out`.
// Threads   `threads` is the maximum number for the call, 1..1024, or 0 for pydream_thread_count's. They end with the
//           call. Functions can run at the same time on different arrays, or on the same ones if all only read them.
//           pydream_thread_count, and so 0, reads the environment: do not call setenv at the same time. In a library
//           that was built without threads the calling one does everything, whatever `threads`.
#ifndef PYDREAM_H
#define PYDREAM_H

#include <stddef.h>
#include <stdint.h>  // PTRDIFF_MAX

// The version of this header; CMakeLists.txt reads it here. Until 1.0 a minor version may change the interface.
#define PYDREAM_VERSION_MAJOR 0
#define PYDREAM_VERSION_MINOR 1
#define PYDREAM_VERSION_PATCH 0
#define PYDREAM_VERSION_NUMBER (PYDREAM_VERSION_MAJOR * 10000 + PYDREAM_VERSION_MINOR * 100 + PYDREAM_VERSION_PATCH)

// The CMake target defines PYDREAM_SHARED if the library is shared.
#if defined(PYDREAM_SHARED) && defined(_WIN32) && defined(PYDREAM_BUILDING)
#define PYDREAM_API __declspec(dllexport)
#elif defined(PYDREAM_SHARED) && defined(_WIN32)
#define PYDREAM_API __declspec(dllimport)
#elif defined(PYDREAM_SHARED) && defined(__GNUC__)
#define PYDREAM_API __attribute__((visibility("default")))
#else
#define PYDREAM_API
#endif

#ifdef __cplusplus
#define PYDREAM_NOEXCEPT noexcept
extern "C" {
#else
#define PYDREAM_NOEXCEPT
#endif

typedef int pydream_status;  // one of these:
enum {
    PYDREAM_OK = 0,
    PYDREAM_NULL = 1,         // a required pointer is null, or one of low and high is null without the other
    PYDREAM_BAD_SIZE = 2,     // a size is below 1, or an array would have more than PTRDIFF_MAX bytes
    PYDREAM_OVERLAP = 3,      // arrays share memory although they must not
    PYDREAM_BAD_BLOCK = 4,    // sum_block is below 1
    PYDREAM_BAD_THREADS = 5,  // threads, or PYDREAM_NUM_THREADS if threads is 0, is not a whole number from 1 to 1024
    PYDREAM_NO_STEP = 6,      // mean|g| or step_size / mean|g| is not finite, or the mean is 0: the image is unchanged
    PYDREAM_NO_MEMORY = 7,    // no memory for a call's own rows or sums
    PYDREAM_FAILED = 8        // an internal error
};

// Returns one line in English for a status, or for any other number. The text is static.
PYDREAM_API const char* pydream_status_text(pydream_status status) PYDREAM_NOEXCEPT;

// Returns the version of the library that is linked or loaded, such as "0.1.0". The text is static.
PYDREAM_API const char* pydream_version(void) PYDREAM_NOEXCEPT;

// count <- the number of threads for `threads == 0`: the environment's PYDREAM_NUM_THREADS, else the number of
// processors that the process may run on; 1 in a library without threads, whatever the environment.
// Errors: NULL, BAD_THREADS.
PYDREAM_API pydream_status pydream_thread_count(int* count) PYDREAM_NOEXCEPT;

// ---- Shift and size ----

// out[c, (y + oy) % height, (x + ox) % width] = in[c, y, x]: numpy.roll along both axes.
// Errors: NULL, BAD_SIZE, OVERLAP, BAD_THREADS.
PYDREAM_API pydream_status pydream_roll_f32(  //
    float* out,                               // (channels, height, width), written, must not overlap in
    const float* in,                          // (channels, height, width)
    ptrdiff_t channels,                       //
    ptrdiff_t height,                         //
    ptrdiff_t width,                          //
    ptrdiff_t ox,                             // pixels to the right, of either sign and any size
    ptrdiff_t oy,                             // pixels down, of either sign and any size
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_roll_f64(  // the same in double
    double* out, const double* in, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, ptrdiff_t ox, ptrdiff_t oy,
    int threads) PYDREAM_NOEXCEPT;

// Roll, into the layout of the network's input: with channels_last
// out[(y + oy) % height, (x + ox) % width, c] = in[c, y, x], without it pydream_roll_f32.
// Errors: NULL, BAD_SIZE, OVERLAP, BAD_THREADS.
PYDREAM_API pydream_status pydream_to_tensor_f32(  //
    float* out,          // (height, width, channels) with channels_last, else (channels, height, width); written,
                         // must not overlap in
    const float* in,     // (channels, height, width)
    ptrdiff_t channels,  //
    ptrdiff_t height,    //
    ptrdiff_t width,     //
    ptrdiff_t ox,        // pixels to the right, of either sign and any size
    ptrdiff_t oy,        // pixels down, of either sign and any size
    int channels_last,   // 0 or nonzero
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_to_tensor_f64(  // the same in double
    double* out, const double* in, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, ptrdiff_t ox, ptrdiff_t oy,
    int channels_last, int threads) PYDREAM_NOEXCEPT;

// Resample with corners on corners: scipy.ndimage.zoom(in, (1, out_height/in_height, out_width/in_width), order=1).
// With SciPy's quirks: the last row or column is 0 where rounding puts its coordinate outside (490 -> 350), and a NaN
// reaches neighbours although its weight is 0. The same size makes a copy, as in SciPy since 1.16.
// Errors: NULL, BAD_SIZE, OVERLAP, BAD_THREADS, NO_MEMORY.
PYDREAM_API pydream_status pydream_zoom_f32(  //
    float* out,                               // (channels, out_height, out_width), written, must not overlap in
    const float* in,                          // (channels, in_height, in_width)
    ptrdiff_t channels,                       //
    ptrdiff_t in_height,                      //
    ptrdiff_t in_width,                       //
    ptrdiff_t out_height,                     //
    ptrdiff_t out_width,                      //
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_zoom_f64(  // the same in double
    double* out, const double* in, ptrdiff_t channels, ptrdiff_t in_height, ptrdiff_t in_width, ptrdiff_t out_height,
    ptrdiff_t out_width, int threads) PYDREAM_NOEXCEPT;

// Move a frame: scipy.ndimage.affine_transform(in, [*matrix, 1], [*offset, 0], order=1). Output o = (y, x) reads, in
// double,
//     at matrix * (o + offset / matrix)    with diagonal: SciPy since 0.18
//     at matrix * (o + offset)             with diagonal and offset_first: SciPy before 0.18, as in 2015
//     at (offset[0] + matrix[0] * y) + matrix[1] * x and (offset[1] + matrix[2] * y) + matrix[3] * x    else
// and is 0 where that is outside of the frame or NaN. A NaN in the frame reaches neighbours, across channels too,
// although its weight is 0.
// Errors: NULL, BAD_SIZE, OVERLAP, BAD_THREADS, NO_MEMORY.
PYDREAM_API pydream_status pydream_affine_transform_f32(  //
    float* out,                                           // (height, width, channels), written, must not overlap others
    const float* in,                                      // (height, width, channels)
    ptrdiff_t height,                                     //
    ptrdiff_t width,                                      //
    ptrdiff_t channels,                                   //
    const double* matrix,                                 // (2,) with diagonal, else (2, 2); y before x
    int diagonal,                                         // 0 or nonzero
    const double* offset,                                 // (2,), y before x
    int offset_first,                                     // 0 or nonzero; no effect without diagonal
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_affine_transform_f64(  // the same in double
    double* out, const double* in, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const double* matrix,
    int diagonal, const double* offset, int offset_first, int threads) PYDREAM_NOEXCEPT;

// The adjoint of pydream_affine_transform: the linear map with its matrix of weights transposed, so that
// sum(affine_transform(x) * y) = sum(x * affine_transform_adjoint(y)) up to rounding. Each value of in is added at the
// four pixels of out that its output there reads, times their weights. Sums are in double, over in's pixels row by row
// and the upper left, upper right, lower left and lower right weight of each, whatever the threads. A NaN reaches all
// four pixels although a weight is 0, and no other channel.
// Errors: NULL, BAD_SIZE, OVERLAP, BAD_THREADS, NO_MEMORY.
PYDREAM_API pydream_status pydream_affine_transform_adjoint_f32(  //
    float* out,                                                   // (height, width, channels), as above, like all here
    const float* in,                                              //
    ptrdiff_t height,                                             //
    ptrdiff_t width,                                              //
    ptrdiff_t channels,                                           //
    const double* matrix,                                         //
    int diagonal,                                                 //
    const double* offset,                                         //
    int offset_first,                                             //
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_affine_transform_adjoint_f64(  // the same in double
    double* out, const double* in, ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels, const double* matrix,
    int diagonal, const double* offset, int offset_first, int threads) PYDREAM_NOEXCEPT;

// ---- The ascent ----

// A sum depends on its order; the order here is NumPy's. An array is divided into blocks of sum_block elements, the
// last one shorter. A block is summed pairwise: above 128 elements it is halved, at n / 2 rounded down to a multiple of
// 8, each half is summed in the same way, and the two are added; up to 128, eight running sums are added as
// ((r0 + r1) + (r2 + r3)) + ((r4 + r5) + (r6 + r7)). The blocks' sums are added one after the other.
// NumPy since 2.3 takes a contiguous array as one block. Before, its blocks had the size of its buffer.
#define PYDREAM_SUM_WHOLE PTRDIFF_MAX  // NumPy since 2.3
#define PYDREAM_SUM_BUFFERS 8192       // NumPy before 2.3, as in 2015

// mean <- mean|g|: numpy.abs(g).mean(). NaN or infinity if g contains them or the sum overflows.
// Errors: NULL, BAD_SIZE, BAD_BLOCK, BAD_THREADS, NO_MEMORY.
PYDREAM_API pydream_status pydream_mean_abs_f32(  //
    float* mean,                                  // one, written
    const float* g,                               // (n,): an image's elements, in its order
    ptrdiff_t n,                                  // channels * height * width
    ptrdiff_t sum_block,                          // at least 1: PYDREAM_SUM_WHOLE or PYDREAM_SUM_BUFFERS
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_mean_abs_f64(  // the same in double
    double* mean, const double* g, ptrdiff_t n, ptrdiff_t sum_block, int threads) PYDREAM_NOEXCEPT;

// x <- x + step_size / mean|g| * g, where step_size is rounded to the image's type, then the quotient, the product and
// the sum. A mean of 0 results in NaN or infinity, as in the notebook.
// Errors: NULL, BAD_SIZE, OVERLAP, BAD_BLOCK, BAD_THREADS, NO_MEMORY.
PYDREAM_API pydream_status pydream_ascend_f32(  //
    float* x,                                   // (n,): an image's elements, changed
    const float* g,                             // (n,), in the same order, must not overlap x
    ptrdiff_t n,                                // channels * height * width
    double step_size,                           // mean absolute change of an element; the notebook's is 1.5
    ptrdiff_t sum_block,                        // as in pydream_mean_abs_f32
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_ascend_f64(  // the same in double
    double* x, const double* g, ptrdiff_t n, double step_size, ptrdiff_t sum_block, int threads) PYDREAM_NOEXCEPT;

// x <- min(max(x, low), high): numpy.clip. NaN stays NaN, a NaN bound makes its channel NaN, and where low is above
// high the result is high.
// Errors: NULL, BAD_SIZE, OVERLAP, BAD_THREADS.
PYDREAM_API pydream_status pydream_clip_f32(  //
    float* x,                                 // (channels, pixels), changed
    const float* low,                         // (channels,), must not overlap x; the notebook's is -mean
    const float* high,                        // (channels,), must not overlap x; the notebook's is 255 - mean
    ptrdiff_t channels,                       //
    ptrdiff_t pixels,                         // height * width
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_clip_f64(  // the same in double
    double* x, const double* low, const double* high, ptrdiff_t channels, ptrdiff_t pixels,
    int threads) PYDREAM_NOEXCEPT;

// The second half of a step in one call: roll, ascend, roll back and clip, by the gradient in the network's layout. The
// sum of mean|g| runs in the order of (channels, height, width), whichever layout g has.
// Errors: NULL, BAD_SIZE, OVERLAP, BAD_BLOCK, BAD_THREADS, NO_MEMORY; NO_STEP, with *mean set.
PYDREAM_API pydream_status pydream_ascend_tensor_f32(  //
    float* x,                                          // (channels, height, width), changed: not rolled
    const float* g,                                    // as pydream_to_tensor_f32's out, must not overlap x
    ptrdiff_t channels,                                //
    ptrdiff_t height,                                  //
    ptrdiff_t width,                                   //
    ptrdiff_t ox,                                      // as in pydream_to_tensor_f32
    ptrdiff_t oy,                                      // as in pydream_to_tensor_f32
    int channels_last,                                 // as in pydream_to_tensor_f32
    double step_size,                                  // as in pydream_ascend_f32
    const float* low,                                  // (channels,), must not overlap x, or null for no clip
    const float* high,                                 // (channels,), must not overlap x, or null if low is
    float* mean,                                       // mean|g|, one, written, must not overlap the others; or null
    ptrdiff_t sum_block,                               // as in pydream_mean_abs_f32
    int threads) PYDREAM_NOEXCEPT;
PYDREAM_API pydream_status pydream_ascend_tensor_f64(  // the same in double
    double* x, const double* g, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, ptrdiff_t ox, ptrdiff_t oy,
    int channels_last, double step_size, const double* low, const double* high, double* mean, ptrdiff_t sum_block,
    int threads) PYDREAM_NOEXCEPT;

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // PYDREAM_H
