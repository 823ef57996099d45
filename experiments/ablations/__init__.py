"""One small file an ablation, found by its file."""
