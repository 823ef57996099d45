"""Runs -> rows: training, evaluation, where both are kept, and how many runs are gone through."""
