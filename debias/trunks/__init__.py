"""Encoder trunks beside the convolutional one of `debias.networks`: one file each, and one line in its PRESETS."""
