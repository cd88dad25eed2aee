"""Where 2015 code finds Caffe's messages: ``caffe.io.caffe_pb2``."""

from ..formats.caffe import caffe_pb2

__all__ = ["caffe_pb2"]
