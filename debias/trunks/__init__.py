"""Encoder trunks, one file each: `build(preset, image_shape)`; a line in `debias.presets` gives one a name."""
