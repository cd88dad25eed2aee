"""Caffe's file format: the messages of a prototxt and of a caffemodel, as ``caffe_pb2`` has them."""
