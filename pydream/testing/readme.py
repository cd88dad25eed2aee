"""What stands in the folder of the vectors, for those who have nothing but that."""

README_TEXT = """\
# Vectors for ports

Inputs and expected outputs of every stage of a dream, by pydream. `vectors.json` lists the cases in the order of
the algorithm, each with its formula (`function`), `parameters`, `inputs`, `outputs` and `tolerance`. Arrays are
.npy files of version 1.0, little-endian, in C order.

## What is not obvious

- `layer`: `weights0`, `weights1`, `weights2` are the layer's in Caffe's order. Convolution: kernels (out, in /
  group, h, w), bias (out). Deconvolution: kernels (in, out / group, h, w), bias. InnerProduct: matrix (out, in), or
  (in, out) with `transpose`; bias. Scale: factors, offsets. Bias: offsets. PReLU: slopes. BatchNorm: sums of the
  means, sums of the variances, and the number that divides both. Parameter: its values. With a second bottom, Scale
  has offsets alone, and Bias has none.
- `layer`: `parameters.constants` has the layer's constants with Caffe's names, its defaults filled in; `null` is
  not set. Windows are always `kernel_h`, `kernel_w`, `stride_h` and so on. `prototxt` is the same as Caffe's text.
- `ascend_tensor` returns mean|g|, the `result`, and writes `image`. The gradient belongs to the rolled image. Where
  mean|g| is 0, no step is taken: `image` is what it was, not even clipped.
- `network`: `pool1`, `fire5/concat` and `fire8/concat` have `activations` and `gradient`; `conv1` and
  `fire2/concat` have the `gradient` alone, since their activations are large. Activations are (1, c, h, w),
  gradients and images (3, h, w).
- `zoom`, and the detail of a dream: an array that has the new size already is copied, not resampled.
- `step`, `dream`: (ox, oy) are given, so that no generator has to be ported. `ox` shifts to the right, `oy` down.
- `dream`: `octaves` is from the largest size to the smallest; the dream goes from the smallest to the largest.

## The network

`pydream vectors --weights` adds `network.json`: what the network takes (`input`: blob, shape, mean, scale, channel
order), and its layers in running order, each with name, type, bottoms, tops, `constants` as above, and `weights`,
the names of its files in Caffe's order. A layer whose top is its bottom works in place: asked for by its own name,
a blob is what the first layer that writes it made.

## Checking results

Write each output under the name that the case gives it, such as `012.zoom.out.result.npy`, into a folder of its
own, or all of them into one .npz file under these names. Then `pydream vectors --check RESULTS` compares what is
there, and names common mistakes. float32 results of float64 cases are compared with `tolerance_float32`.
"""
