// Order-1 affine transform of a picture with its channels last, over height and width:
// scipy.ndimage.affine_transform(in, [*matrix, 1], [*offset, 0], order=1), bit for bit.
#pragma once

#include <cstddef>

namespace pydream {

// Output o = (y, x) reads, in double,
//     at matrix * (o + offset / matrix)        with `diagonal`: SciPy since 0.18
//     at matrix * (o + offset)                 with `diagonal` and `offset_first`: SciPy before 0.18
//     at offset[0] + matrix[0] * y + matrix[1] * x and offset[1] + matrix[2] * y + matrix[3] * x    else
// and is 0 where that is outside of the picture or NaN.
//
// Returns false if there is no memory for some rows of doubles.
template <class T>
[[nodiscard]] bool affine_transform(T* out,                   // (height, width, channels), must not overlap in
                                    const T* in,              // (height, width, channels)
                                    std::ptrdiff_t height,    //
                                    std::ptrdiff_t width,     //
                                    std::ptrdiff_t channels,  //
                                    const double* matrix,     // (2,) with diagonal, else (2, 2)
                                    bool diagonal,            //
                                    const double* offset,     // (2,)
                                    bool offset_first,        //
                                    int threads);

// The adjoint of affine_transform, its matrix of weights transposed: each value of in is added, times these weights, at
// the pixels of out that its output there reads. A sum is in double, in the order of in's pixels, row by row, and of each
// pixel's weights; then it is rounded.
//
// Returns false if there is no memory for some rows of doubles.
template <class T>
[[nodiscard]] bool affine_transform_adjoint(T* out,                   // (height, width, channels), must not overlap in
                                            const T* in,              // (height, width, channels)
                                            std::ptrdiff_t height,    //
                                            std::ptrdiff_t width,     //
                                            std::ptrdiff_t channels,  //
                                            const double* matrix,     // as in affine_transform, like all that follow
                                            bool diagonal,            //
                                            const double* offset,     //
                                            bool offset_first,        //
                                            int threads);

}  // namespace pydream
