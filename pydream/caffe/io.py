"""Caffe's messages, where code of 2015 imports them from: ``caffe.io.caffe_pb2``."""

from ..formats.caffe import caffe_pb2

__all__ = ["caffe_pb2"]
