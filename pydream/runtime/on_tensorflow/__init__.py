"""TensorFlow as a runtime."""
