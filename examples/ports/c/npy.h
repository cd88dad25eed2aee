// Arrays in files: NumPy's .npy, version 1.0, as `pydream vectors` writes them.
#ifndef NPY_H
#define NPY_H

#include <stddef.h>

enum { NPY_DIMS = 4 };

typedef struct {
    char type[4];  // "<f4", "<f8", "<i8" or "|u1"
    int dims;
    size_t shape[NPY_DIMS], count;
    unsigned char* bytes;  // little-endian, in C order; freed by the caller
} npy;

// An array of zeros. Returns null, or what is wrong.
const char* npy_make(npy* array, const char* type, int dims, const size_t* shape);

// Read or write a file; return null, or what is wrong with it. A file is written under a temporary name and renamed.
const char* npy_read(const char* path, npy* array);
const char* npy_write(const char* path, const npy* array);

// Number i of an array, and to set it in one of floats.
double npy_number(const npy* array, size_t i);
void npy_set(npy* array, size_t i, double value);

#endif  // NPY_H
