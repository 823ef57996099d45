"""Lab 1a: an introduction to TensorFlow."""
