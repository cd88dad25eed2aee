#include "npy.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIX = 10, LONGEST = 65535 };

static size_t width_of(const npy* array) { return (size_t)(array->type[2] - '0'); }

const char* npy_make(npy* array, const char* type, int dims, const size_t* shape) {
    memset(array, 0, sizeof *array);
    memcpy(array->type, type, 3);
    array->dims = dims;
    array->count = 1;
    for (int i = 0; i < dims; ++i) array->count *= array->shape[i] = shape[i];
    array->bytes = calloc(array->count, width_of(array));
    return array->bytes != NULL ? NULL : "there is not enough memory";
}

// Read the shape behind "(", such as "128, 192, 3)"; returns 0 if it is none.
static int read_shape(const char* text, npy* array) {
    array->dims = 0;
    array->count = 1;
    while (*text != ')') {
        char* end;
        const unsigned long long size = strtoull(text, &end, 10);
        if (end == text || *text == '-' || array->dims == NPY_DIMS) return 0;
        if (size > 0 && array->count > PTRDIFF_MAX / 8 / size) return 0;
        array->shape[array->dims++] = (size_t)size;
        array->count *= (size_t)size;
        text = end + strspn(end, ", ");
    }
    return 1;
}

static const char* read_header(FILE* file, npy* array) {
    unsigned char prefix[PREFIX];
    char header[LONGEST + 1];
    if (fread(prefix, 1, PREFIX, file) != PREFIX || memcmp(prefix, "\x93NUMPY\x01\x00", 8) != 0) {
        return "not a .npy file of version 1.0";
    }
    const size_t length = prefix[8] + 256u * prefix[9];
    if (fread(header, 1, length, file) != length) return "the file ends within its header";
    header[length] = '\0';
    const char *const type = strstr(header, "'descr': '"), *const shape = strstr(header, "'shape': (");
    if (type == NULL || shape == NULL || strstr(header, "'fortran_order': False") == NULL) {
        return "not an array in C order";
    }
    (void)snprintf(array->type, sizeof array->type, "%.3s", type + 10);  // the header may end there
    static const char types[4][4] = {"<f4", "<f8", "<i8", "|u1"};
    int known = 0;
    for (int i = 0; i < 4; ++i) known |= strcmp(array->type, types[i]) == 0;
    if (!known) return "numbers are not of type <f4, <f8, <i8 or |u1";
    return read_shape(shape + 10, array) ? NULL : "not a shape of up to 4 sizes";
}

const char* npy_read(const char* path, npy* array) {
    memset(array, 0, sizeof *array);
    FILE* const file = fopen(path, "rb");
    if (file == NULL) return "the file cannot be opened";
    const char* fault = read_header(file, array);
    if (fault == NULL) {
        const size_t size = array->count * width_of(array);
        const long start = ftell(file);
        if (fseek(file, 0, SEEK_END) != 0 || (size_t)(ftell(file) - start) != size) {
            fault = "the file has not as many numbers as its shape says";
        } else if ((array->bytes = malloc(size + 1)) == NULL) {
            fault = "there is not enough memory";
        } else if (fseek(file, start, SEEK_SET) != 0 || fread(array->bytes, 1, size, file) != size) {
            fault = "the file cannot be read";
        }
    }
    if (fault != NULL) {
        free(array->bytes);
        array->bytes = NULL;
    }
    fclose(file);
    return fault;
}

const char* npy_write(const char* path, const npy* array) {
    char header[256], temporary[4096];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (", array->type);
    for (int i = 0; i < array->dims; ++i) {
        const char* const comma = i + 1 < array->dims ? ", " : array->dims == 1 ? "," : "";
        length += snprintf(header + length, sizeof header - (size_t)length, "%zu%s", array->shape[i], comma);
    }
    length += snprintf(header + length, sizeof header - (size_t)length, "), }");
    while ((PREFIX + length + 1) % 64 != 0) header[length++] = ' ';
    header[length++] = '\n';

    if (snprintf(temporary, sizeof temporary, "%s.part", path) >= (int)sizeof temporary) return "the name is too long";
    FILE* const file = fopen(temporary, "wb");
    if (file == NULL) return "the file cannot be made";
    const unsigned char prefix[PREFIX] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(length & 255),
                                          (unsigned char)(length >> 8)};
    const size_t size = array->count * width_of(array);
    const int written = fwrite(prefix, 1, PREFIX, file) == PREFIX &&
                        fwrite(header, 1, (size_t)length, file) == (size_t)length &&
                        fwrite(array->bytes, 1, size, file) == size;
    if (fclose(file) == 0 && written && rename(temporary, path) == 0) return NULL;
    remove(temporary);
    return "the file cannot be written";
}

double npy_number(const npy* array, size_t i) {
    const size_t width = width_of(array);
    uint64_t bits = 0;
    for (size_t byte = width; byte-- > 0;) bits = bits << 8 | array->bytes[i * width + byte];
    if (array->type[1] == 'u') return (double)bits;
    if (array->type[1] == 'i') return (double)(int64_t)bits;
    if (width == sizeof(float)) {
        const uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return (double)value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void npy_set(npy* array, size_t i, double value) {
    const size_t width = width_of(array);
    uint64_t bits = 0;
    if (width == sizeof(float)) {
        const float narrow = (float)value;
        uint32_t low;
        memcpy(&low, &narrow, sizeof low);
        bits = low;
    } else {
        memcpy(&bits, &value, sizeof bits);
    }
    for (size_t byte = 0; byte < width; ++byte) array->bytes[i * width + byte] = (unsigned char)(bits >> 8 * byte);
}
