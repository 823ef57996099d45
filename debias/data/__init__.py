"""Data sets, their file layout, and batches drawn inside the compiled step."""
