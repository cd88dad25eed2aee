// The part of the module _kernels that is not convolutions: see maps.cpp.
#pragma once

#include <pybind11/pybind11.h>

void define_maps(pybind11::module_& m);
