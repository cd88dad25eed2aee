// The functions of one type, under names without the suffix: Api<float>::zoom is pydream_zoom_f32.
#pragma once

#include "pydream.h"

namespace test {

template <class T>
struct Api;
#define PYDREAM_FUNCTIONS(T, suffix)                                                                \
    template <>                                                                                     \
    struct Api<T> {                                                                                 \
        static constexpr auto roll = pydream_roll_##suffix;                                         \
        static constexpr auto to_tensor = pydream_to_tensor_##suffix;                               \
        static constexpr auto zoom = pydream_zoom_##suffix;                                         \
        static constexpr auto affine_transform = pydream_affine_transform_##suffix;                 \
        static constexpr auto affine_transform_adjoint = pydream_affine_transform_adjoint_##suffix; \
        static constexpr auto mean_abs = pydream_mean_abs_##suffix;                                 \
        static constexpr auto ascend = pydream_ascend_##suffix;                                     \
        static constexpr auto clip = pydream_clip_##suffix;                                         \
        static constexpr auto ascend_tensor = pydream_ascend_tensor_##suffix;                       \
    };
PYDREAM_FUNCTIONS(float, f32)
PYDREAM_FUNCTIONS(double, f64)
#undef PYDREAM_FUNCTIONS

}  // namespace test
