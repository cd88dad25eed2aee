"""A runtime on the compiled module `_kernels`, in Caffe's own layout, (n, c, h, w)."""
