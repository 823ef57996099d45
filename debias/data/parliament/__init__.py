"""The embedded benchmark: rendered faces with known demographics, and hard negatives. README.md is its data card."""
