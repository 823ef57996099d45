"""Lab 2, part 2: a face detector that debiases itself."""
