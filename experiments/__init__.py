"""One module per table, figure or ablation: settings as data, seeds, and how its rows become the artefact."""
