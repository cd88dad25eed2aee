// DeepDream as of 2015 in C: SqueezeNet v1.1 and the loop around it, to be embedded in another program.
//
//     dream* d;
//     dream_create(&d);
//     dream_caffemodel(d, bytes, size);                               or dream_weights, layer by layer
//     dream_begin(d, picture, height, width, "fire8/concat", 4, 1.4, 10, 1.5);
//     while (dream_done(d) < dream_steps(d)) dream_step(d, ox, oy);   a preview or a stop between any two
//     dream_picture(d, picture);
//     dream_destroy(d);
//
// Numbers    dream_real is double, or float if DREAM_FLOAT32 is defined while all of the library is compiled. In double
//            the picture is Caffe's, byte for byte. Everything else of the interface is the same in both.
// Memory     What a function is given belongs to the caller, and nothing of it is kept when it returns. A dream is made
//            by malloc, in dream_create and dream_begin alone: a step takes none for the network, and what pydream.h
//            says for the image.
// Errors     A function returns DREAM_OK or the status of an error; nothing is printed and nothing exits. Arguments are
//            checked, and sizes are, before memory is taken.
// Threads    A call uses one. Different dreams can run at the same time.
#ifndef DREAM_H
#define DREAM_H

#include <stddef.h>

#ifdef DREAM_FLOAT32
typedef float dream_real;
#else
typedef double dream_real;
#endif

typedef struct dream dream;

typedef int dream_status;  // one of these:
enum {
    DREAM_OK = 0,
    DREAM_BAD_ARGUMENT = 1,  // a pointer is null, a number is out of its range
    DREAM_NO_LAYER = 2,      // no layer has this name, or it is not one to dream with
    DREAM_BAD_WEIGHTS = 3,   // not a caffemodel, or not of this network: a layer is missing or has another size
    DREAM_TOO_SMALL = 4,     // the smallest octave is too small for the layer
    DREAM_TOO_LARGE = 5,     // more memory than an address can say
    DREAM_NO_MEMORY = 6,     //
    DREAM_NOT_BEGUN = 7,     // weights are missing, or dream_begin is
    DREAM_FINISHED = 8,      // all steps are done
    DREAM_NO_STEP = 9        // the gradient is 0 everywhere, or not finite; the image is unchanged
};

// Returns one line in English for a status, or for any other number. The text is static.
const char* dream_status_text(dream_status status);

// *made <- a network without weights; null after an error. dream_destroy(NULL) does nothing.
// Errors: BAD_ARGUMENT, NO_MEMORY.
dream_status dream_create(dream** made);
void dream_destroy(dream* d);

// ---- Weights ----

// Layer number `index`, 0.., in the order in which layers run; null behind the last. The name is static.
const char* dream_layer(int index);

// The number of a layer's weights of one kind; 0 if the layer has none, or is none.
size_t dream_weight_count(const char* layer,  //
                          int kind);          // 0: kernels, (out, in, h, w); 1: bias, (out,)

// Set them. Errors: BAD_ARGUMENT, BAD_WEIGHTS if `count` is another number.
dream_status dream_weights(dream* d, const char* layer, int kind,  // as above
                           const float* values,                    // (count,), in C order
                           size_t count);

// Returns the first layer that lacks weights; null if none does.
const char* dream_missing(const dream* d);

// Set all of them from the bytes of squeezenet_v1.1.caffemodel. After an error some may be set.
// Errors: BAD_ARGUMENT, BAD_WEIGHTS.
dream_status dream_caffemodel(dream* d, const unsigned char* bytes, size_t size);

// ---- A dream ----

// Set a picture and what to do with it; ends the dream before it, if there is one. After an error there is none.
// Errors: BAD_ARGUMENT, NO_LAYER, TOO_SMALL, TOO_LARGE, NO_MEMORY; NOT_BEGUN if weights that `end` needs are not set.
dream_status dream_begin(dream* d,                      //
                         const unsigned char* picture,  // (height, width, 3), RGB
                         int height, int width,         // 1..32768
                         const char* end,               // whose activations grow, such as "fire8/concat"
                         int octave_n,                  // sizes, 1..32; the notebook's is 4
                         double octave_scale,           // from each to the next smaller one, 1 or more; 1.4
                         int iter_n,                    // steps at each size, 1..1000000; 10
                         double step_size);             // mean change of a number in a step, finite; 1.5

// One step: roll, forward, backward, ascend, unroll, clip. The first step of an octave goes up to its size before.
// Errors: BAD_ARGUMENT, NOT_BEGUN, FINISHED, NO_MEMORY, NO_STEP: no step is done then, and the call may be repeated; the
// image is what it was, or has gone up to its next size.
dream_status dream_step(dream* d,         //
                        int ox, int oy);  // shifts to the right and down: the jitter, of either sign and any size

// Steps that are done, and all that there are. 0 if no dream has begun, as are the sizes below.
int dream_done(const dream* d);
int dream_steps(const dream* d);

// The size of the image at work, which is the picture's in the last octave. Changes in the first step of an octave.
int dream_height(const dream* d);
int dream_width(const dream* d);

// out <- the image at work as a picture, fractions dropped: the result after the last step, a preview before it.
// Errors: BAD_ARGUMENT, NOT_BEGUN.
dream_status dream_picture(const dream* d,       //
                           unsigned char* out);  // (dream_height, dream_width, 3), RGB, written

// The image at work itself: (3, dream_height, dream_width), BGR, minus the mean. Valid until the next call that
// changes the dream; null if none has begun.
const dream_real* dream_image(const dream* d);

#endif  // DREAM_H
