// The reader of a caffemodel, of which SqueezeNet needs little: NetParameter.layer = 100; LayerParameter.name = 1,
// .blobs = 7; BlobProto.data = 5, packed. A message is a row of fields: a key, number * 8 + type, and a value, which is a
// number in bytes of 7 bits (type 0), 8 bytes (1), a length and as many bytes (2), or 4 bytes (5).
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dream.h"

enum { NET_LAYER = 100, LAYER_NAME = 1, LAYER_BLOBS = 7, BLOB_DATA = 5 };

typedef struct {
    const unsigned char *at, *end;
} part;

static int read_number(part* p, uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (p->at == p->end) return 0;
        const unsigned char byte = *p->at++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return 1;
    }
    return 0;
}

// Take the next field off; `value` is empty unless the field has a length. Returns 0 where none can be read.
static int read_field(part* p, uint64_t* field, part* value) {
    uint64_t key, length = 0;
    if (!read_number(p, &key)) return 0;
    *field = key >> 3;
    switch (key & 7) {
        case 0: {
            uint64_t ignored;
            if (!read_number(p, &ignored)) return 0;
            break;
        }
        case 1: length = 8; break;
        case 2:
            if (!read_number(p, &length)) return 0;
            break;
        case 5: length = 4; break;
        default: return 0;
    }
    if (length > (uint64_t)(p->end - p->at)) return 0;
    value->at = p->at;
    p->at += length;
    value->end = (key & 7) == 2 ? p->at : value->at;
    return 1;
}

// Little-endian, on any machine.
static float float_at(const unsigned char* bytes) {
    const uint32_t bits =
        bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static dream_status read_blob(dream* d, const char* layer, int kind, part blob) {
    const size_t count = dream_weight_count(layer, kind);
    uint64_t field;
    part data;
    while (blob.at < blob.end) {
        if (!read_field(&blob, &field, &data)) return DREAM_BAD_WEIGHTS;
        if (field != BLOB_DATA) continue;
        if (count == 0 || (size_t)(data.end - data.at) != count * sizeof(float)) return DREAM_BAD_WEIGHTS;
        float* const values = malloc(count * sizeof *values);
        if (values == NULL) return DREAM_NO_MEMORY;
        for (size_t i = 0; i < count; ++i) values[i] = float_at(data.at + 4 * i);
        const dream_status status = dream_weights(d, layer, kind, values, count);
        free(values);
        return status;
    }
    return DREAM_BAD_WEIGHTS;
}

// Returns our layer of that name; null if there is none.
static const char* known(part name) {
    const size_t length = (size_t)(name.end - name.at);
    const char* layer;
    for (int i = 0; (layer = dream_layer(i)) != NULL; ++i) {
        if (strlen(layer) == length && memcmp(layer, name.at, length) == 0) return layer;
    }
    return NULL;
}

static dream_status read_layer(dream* d, part layer) {
    uint64_t field;
    part value, rest = layer;
    const char* name = NULL;
    while (rest.at < rest.end) {
        if (!read_field(&rest, &field, &value)) return DREAM_BAD_WEIGHTS;
        if (field == LAYER_NAME) name = known(value);
    }
    int kind = 0;
    while (name != NULL && layer.at < layer.end) {
        (void)read_field(&layer, &field, &value);
        if (field != LAYER_BLOBS) continue;
        const dream_status status = read_blob(d, name, kind++, value);
        if (status != DREAM_OK) return status;
    }
    return DREAM_OK;
}

dream_status dream_caffemodel(dream* d, const unsigned char* bytes, size_t size) {
    if (d == NULL || bytes == NULL) return DREAM_BAD_ARGUMENT;
    part model = {bytes, bytes + size}, layer;
    uint64_t field;
    while (model.at < model.end) {
        if (!read_field(&model, &field, &layer)) return DREAM_BAD_WEIGHTS;
        if (field != NET_LAYER) continue;
        const dream_status status = read_layer(d, layer);
        if (status != DREAM_OK) return status;
    }
    return dream_missing(d) == NULL ? DREAM_OK : DREAM_BAD_WEIGHTS;
}
