"""Lab 2a: handwritten digits."""
