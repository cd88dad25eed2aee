"""What stands in the folder of the vectors, for those who have nothing but that."""

README_TEXT = """\
# Vectors for ports

Inputs and expected outputs of every stage of a dream, by pydream. `vectors.json` lists the cases in the order of
the algorithm, each with its formula (`function`), `parameters`, `inputs`, `outputs` and `tolerance`. Arrays are
.npy files of version 1.0, little-endian, in C order. `vectors.schema.json` says what may be in the JSON files.

## What is not obvious

- `layer`: `weights0`, `weights1`, `weights2` are the layer's in Caffe's order. Convolution: kernels (out, in /
  group, h, w), bias (out). Deconvolution: kernels (in, out / group, h, w), bias. InnerProduct: matrix (out, in), or
  (in, out) with `transpose`; bias. Scale: factors, offsets. Bias: offsets. PReLU: slopes. BatchNorm: sums of the
  means, sums of the variances, and the number that divides both. Parameter: its values. With a second bottom, Scale
  has offsets alone, and Bias has none.
- `layer`: `parameters.constants` has the layer's constants with Caffe's names, its defaults filled in; `null` is
  not set. Windows are always `kernel_h`, `kernel_w`, `stride_h` and so on. `prototxt` is the same as Caffe's text.
- `layer`: those whose `source` is Caffe are all that a dream of 2015 needs. Networks of TensorFlow and ONNX have
  others, whose constants are pairs for height and width; a `padding` with `same` is TensorFlow's SAME, which adds
  `total = max((ceil(size / stride) - 1) * stride + kernel - size, 0)` rows, `total // 2` of them before the first.
- Max pooling in float64 takes a value for larger only if `value > best + 1e-9 * (1 + |best|)`; in float32 if
  `value > best`.
- `ascend_tensor` returns mean|g|, the `result`, and writes `image`. The gradient belongs to the rolled image. Where
  mean|g| is 0, no step is taken: `image` is what it was, not even clipped.
- `network`: `pool1`, `fire5/concat` and `fire8/concat` have `activations` and `gradient`; `conv1` and
  `fire2/concat` have the `gradient` alone, since their activations are large. Activations are (1, c, h, w),
  gradients and images (3, h, w).
- `zoom`, and the detail of a dream: an array that has the new size already is copied, not resampled.
- `step`, `dream`: (ox, oy) are given, so that no generator has to be ported. `ox` shifts to the right, `oy` down.
- `octaves` is from the largest size to the smallest, each made of the one before; a dream goes from the smallest to
  the largest, and its `shifts` are in that order.
- `dream`: the last one is golden. The real Caffe made it, in double precision, in 18 steps, of a picture of
  128x192x3; a float64 port has every byte of it, or a mistake. A float32 port's looks like it.

## The network

`pydream vectors --weights` adds `network.json`: what the network takes (`input`: blob, shape, mean, scale, channel
order), and its layers in running order, each with name, type, bottoms, tops, `constants` as above, and `weights`,
the names of its files in Caffe's order: of `network.NNN.weightsK.npy`, NNN is the layer's place in running order and
K the array's, both from 0. A layer whose top is its bottom works in place: asked for by its own name,
a blob is what the first layer that writes it made.

## Checking results

Write each output under the name that the case gives it, such as `012.zoom.out.result.npy`, into a folder of its
own, or all of them into one .npz file under these names. Then `pydream vectors --check RESULTS` compares what is
there, and names common mistakes. float32 results of float64 cases are compared with `tolerance_float32`; so are the
8-bit pictures, and numbers in float64, of a dream whose other results are float32.
"""
