"""The number of darker training faces, beside 10,000 lighter ones."""

from experiments.ablation import CNN_AND_MAX, drawn

DRAWS = {n: {"darker male": round(0.55 * n), "darker female": round(0.45 * n)} for n in (40, 640, 1_600)}

EXPERIMENT = drawn("darker", "Number of darker faces", CNN_AND_MAX, DRAWS, 160, "darker faces", minutes=16)
