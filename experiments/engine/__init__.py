"""Runs -> rows. Many runs (sweep), one run's row (evaluation), its model (training), its files (store)."""
