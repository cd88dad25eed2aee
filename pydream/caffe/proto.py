"""Caffe's messages, where most code imports them from: ``from pydream.caffe.proto import caffe_pb2``."""

from ..formats.caffe import caffe_pb2

__all__ = ["caffe_pb2"]
