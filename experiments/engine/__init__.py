"""Runs -> rows. From the top: many runs (sweep), one run's row (evaluation), one run's model (training), files (store)."""
