"""Both tens of seeds together: what the settings that `methods` and `replication` share change over twenty seeds.

The second ten alone are the clean test of what the first have chosen; both together are the best estimate.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.files import write_text
from experiments.report import cameras, effects
from experiments.report.artefacts import FORMATS, SENTENCE
from experiments.report.comparisons import ABOUT, FIXED_RATE, OWN, Finding, paired, seeds_of, significant, told
from experiments.report.tables import NAMES, Pair, Section, by_setting, difference_lines

FIGURE = "pooled"
PARTS = {  # folder that holds what is made -> folders whose rows are taken together
    "replication/pooled": ("methods", "replication"),
    "replication/pooled-photographs": ("methods/photographs", "replication/photographs"),
}
MEASURES = {**NAMES, "fpr": "FPR"}
THRESHOLDS = {"own threshold": OWN, "1 % FPR": FIXED_RATE}
RULE, NETWORK = "dbvae-max-random-camera", "vae-random-camera"  # the same network, drawing by its rule and evenly
ALONE = "rule alone"  # the one minus the other
ASKED = {  # what is compared with the CNN, and the rule alone -> what it stands for in the sentence
    RULE: "DB-VAE (max rule)",
    ALONE: "that rule beside the same network drawing evenly",
    "jtt-random-camera": "JTT",
    "oracle-random-camera": "resampling by group labels",
}
CHOSEN = (
    "The first ten seeds chose JTT, density and our rule, and by their photographs the residual network, so that over "
    "both tens these look better than they are. DB-VAE, its network and resampling by group labels were not chosen so."
)


def write(folder: Path, tens: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Table, sentence and figure in `folder`, of the rows of either ten of seeds."""
    rows = together(*tens)
    write_text(folder / "table.md", table(rows))
    write_text(folder / SENTENCE, sentence(rows))
    for suffix in FORMATS:
        plots.save(figure(rows), folder / f"{FIGURE}{suffix}")


def together(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The rows of all settings that both have, each seed once."""
    common = set(first["setting"]) & set(second["setting"])
    rows = pd.concat([first, second], ignore_index=True)
    return rows[rows["setting"].isin(common)].drop_duplicates(["setting", "seed"])


def pairs(rows: pd.DataFrame) -> dict[str, Pair]:
    """What is compared: every setting with the CNN, and the max rule with its own network drawing evenly."""
    parts = by_setting(rows)
    found = {name: (parts[name], parts[peer]) for name, peer in effects.peers(rows).items()}
    return found | ({ALONE: (parts[RULE], parts[NETWORK])} if {RULE, NETWORK} <= set(parts) else {})


def table(rows: pd.DataFrame) -> str:
    """Every difference on the last test, at either threshold; FPR: what part of that test's negatives passes."""
    header = ["setting", "minus", *(f"Δ{name}, {at}" for at in THRESHOLDS for name in MEASURES.values())]
    columns = [f"{measure}{rate}{effects.hardest(rows)}" for rate in THRESHOLDS.values() for measure in MEASURES]
    heading = f"On {effects.where(rows)}, over {seeds_of(rows)}. {ABOUT}"
    return f"{Section(heading, header, difference_lines(pairs(rows), columns)).markdown()}\n\n{CHOSEN}\n"


def sentence(rows: pd.DataFrame) -> str:
    """What DB-VAE, its rule alone, JTT and group labels change in Var[A] and E[A] on the last test."""
    variances, means = (_found(rows, measure) for measure in ("var_recall", "mean_recall"))
    asked = {name: what for name, what in ASKED.items() if name in pairs(rows)}
    said = [f"{what}: {_both(variances, name)} and {_both(means, name)}" for name, what in asked.items()]
    return (
        f"What is changed on {effects.where(rows)} with a random camera in training, over {seeds_of(rows)}, in Var[A] "
        "(%²) and in E[A] (points), each at the model's own threshold | at 1 % false positives. "
        f"{'; '.join(said)} (95 % intervals; * significant by Holm's correction for all compared, else n.s.).\n"
    )


def figure(rows: pd.DataFrame) -> Figure:
    """Var[A] and the worst group at either threshold, minus those of what each is compared with."""
    panels = {
        f"{measure}{rate}{effects.hardest(rows)}": f"Δ{NAMES[measure]}\n{at}"
        for at, rate in THRESHOLDS.items()
        for measure in ("var_recall", "worst_recall")
    }
    found = pd.concat([_differences(name, *pair, panels) for name, pair in pairs(rows).items()])
    note = f"On {effects.where(rows)}, minus the CNN or what is named, all with a random camera; {plots.POINTS_NOTE}"
    return plots.named_points(found, "setting", panels, note=note, zero=True)


def _found(rows, measure) -> dict[str, Mapping[str, Finding]]:
    """Threshold -> each difference."""
    at = effects.hardest(rows)
    return {name: significant(pairs(rows), f"{measure}{rate}{at}") for name, rate in THRESHOLDS.items()}


def _both(found, name) -> str:
    return " | ".join(told(each.get(name)) or "-" for each in found.values())


def _differences(name, ours, theirs, columns) -> pd.DataFrame:
    """A row a seed."""
    shown = cameras.method_of(ours) + (f" - {cameras.method_of(theirs)}" if name == ALONE else "")
    return pd.DataFrame({"setting": shown, **{column: paired(ours, theirs, column) for column in columns}})
