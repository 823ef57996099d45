"""The share of lighter faces, in % of 3,200 training faces: what a balance of the groups is worth at the same cost."""

from experiments.ablation import CNN_AND_MAX, drawn

FACES = 3_200


def _draw(share: float) -> dict[str, int]:
    lighter = round(FACES * share / 100)
    women = round(0.45 * (FACES - lighter))
    return {
        "lighter male": lighter // 2,
        "lighter female": lighter - lighter // 2,
        "darker male": FACES - lighter - women,
        "darker female": women,
    }


DRAWS = {share: _draw(share) for share in (98.4, 90, 75, 50)}

EXPERIMENT = drawn("lighter", "Share of lighter faces", CNN_AND_MAX, DRAWS, None, "lighter %", minutes=20)
