"""Both tens of seeds together: what the settings that `methods` and `replication` share change over twenty seeds.

The second ten alone are the clean test of what the first have chosen; both together are the best estimate.
"""

import json
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.files import write_text
from debias.markdown import markdown
from experiments.report import cameras, effects
from experiments.report.artefacts import DRAWN_FROM, SUMMARY, clear, digest, drawn_from, save_figure, write_texts
from experiments.report.comparisons import ABOUT, FIXED_RATE, OWN, paired, seeds_of, significant, told
from experiments.report.rows import as_csv
from experiments.report.tables import NAMES, Pair, Section, by_setting, difference_lines, pairs_of

FIGURE = "pooled"
PARTS = {  # folder that holds what is made -> folders whose rows are taken together
    "replication/pooled": ("methods", "replication"),
    "replication/pooled-photographs": ("methods/photographs", "replication/photographs"),
}
SHOWN = {"var_recall": "Var[A] in %²", "worst_recall": "worst, points"}  # in the figure
MEASURES = {**NAMES, "fpr": "FPR"}
THRESHOLDS = {"own threshold": OWN, "1 % FPR": FIXED_RATE}
RULE, NETWORK = "dbvae-max-random-camera", "vae-random-camera"  # the same network, drawing by its rule and evenly
ALONE = "rule alone"  # names the pair of the two, where all others are pairs of a setting and the CNN
ASKED = {  # name of a pair -> what its line of the sentence's table says
    RULE: "DB-VAE (max rule), minus the CNN",
    ALONE: "its rule alone: DB-VAE, minus the same network drawing evenly",
    "jtt-random-camera": "JTT (one more pass), minus the CNN",
    "oracle-random-camera": "drawing by group labels, minus the CNN",
}
CHOSEN = (
    "The first ten seeds chose JTT, density and our rule, and by their photographs the residual network, so that over "
    "both tens these may look better than they are. DB-VAE, its network and drawing by group labels were not chosen so."
)


def write(folder: Path, tens: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Table, sentence and figure in `folder`, of the rows of either ten of seeds; none where they share too few.

    summary.json comes last and says for which rows.
    """
    rows = together(*tens)
    if not pairs(rows):
        return clear(folder)
    save_figure(folder, FIGURE, figure(rows))
    said = sentence(rows)
    write_texts(folder, table(rows), said)
    write_text(folder / SUMMARY, json.dumps({DRAWN_FROM: digest(as_csv(rows)), "text": said}, indent=1) + "\n")


def is_current(folder: Path, tens: tuple[pd.DataFrame, pd.DataFrame]) -> bool:
    """Whether `folder` holds what is made of these rows."""
    return drawn_from(folder) == digest(as_csv(together(*tens)))


def together(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The rows of all settings that both have, each seed once."""
    common = set(first["setting"]) & set(second["setting"])
    rows = pd.concat([first, second], ignore_index=True)
    return rows[rows["setting"].isin(common)].drop_duplicates(["setting", "seed"])


def pairs(rows: pd.DataFrame) -> dict[str, Pair]:
    """What is compared: every setting with the CNN, and the max rule with its own network drawing evenly."""
    parts = by_setting(rows)
    found = pairs_of(rows, effects.peers(rows))
    return found | ({ALONE: (parts[RULE], parts[NETWORK])} if {RULE, NETWORK} <= set(parts) else {})


def table(rows: pd.DataFrame) -> str:
    """Every difference on the last test, at either threshold; FPR: what part of that test's negatives passes."""
    header = ["setting", "minus", *(f"Δ{name}, {at}" for at in THRESHOLDS for name in MEASURES.values())]
    columns = [f"{measure}{rate}{effects.hardest(rows)}" for rate in THRESHOLDS.values() for measure in MEASURES]
    heading = f"On {effects.where(rows)}, over {seeds_of(rows)}. {ABOUT}"
    return f"{Section(heading, header, difference_lines(pairs(rows), columns)).markdown()}\n\n{CHOSEN}\n"


def sentence(rows: pd.DataFrame) -> str:
    """What the ways to draw change by the paper's measures and for the worst group, on the last test, as a table."""
    at, found = effects.hardest(rows), pairs(rows)
    variance, mean, worst = f"var_recall{at}", f"mean_recall{at}", f"worst_recall{FIXED_RATE}{at}"
    tested = [significant(found, column) for column in (variance, mean, worst)]  # corrected for all, as in the table
    lines = [
        [said, *(told(each[name]) for each in tested)]
        for name, said in ASKED.items()
        if all(name in each for each in tested)  # two seeds or more
    ]
    if not lines:
        return ""
    _, cnn = next(iter(found.values()))
    header = ["difference", "ΔVar[A] in %², own threshold", "ΔE[A], own threshold", "Δ worst group, 1 % FPR"]
    about = f"tested on {effects.where(rows)}, {seeds_of(rows)}"
    own = f"Var[A] {cnn[variance].mean():.1f} %² and E[A] {cnn[mean].mean():.1f} % at its own threshold"
    fixed = f"at 1 % false positives it finds {cnn[worst].mean():.1f} % of its worst group"
    return (
        f"Models trained with a random camera, {about}. The CNN has {own}, where the paper measures; {fixed}. These "
        "change by (95 % intervals; * significant by Holm's correction for all compared, else n.s.):\n\n"
        f"{markdown(header, lines)}"
    )


def figure(rows: pd.DataFrame, about: str = "") -> Figure:
    """Var[A] and the worst group at either threshold, minus those of what each is compared with.

    Args:
        about: what its note says besides.
    """
    panels = {
        f"{measure}{rate}{effects.hardest(rows)}": f"Δ{name}\n{at}"
        for at, rate in THRESHOLDS.items()
        for measure, name in SHOWN.items()
    }
    worst = significant(pairs(rows), f"worst_recall{FIXED_RATE}{effects.hardest(rows)}")
    shown, left_out = effects.near(rows, worst)
    found = pd.concat([_differences(name, *pair, panels) for name, pair in pairs(shown).items()])
    compared = "minus the CNN with a random camera, or what is named"
    dots = "; ".join(filter(None, (plots.POINTS_NOTE, about)))
    note = f"{effects.where(rows)}, {seeds_of(rows)}, {compared}\n{dots}{left_out}"
    return plots.named_points(found, "setting", panels, note=note, zero=True)


def _differences(name, ours, theirs, columns) -> pd.DataFrame:
    """A row a seed."""
    shown = cameras.method_of(ours) + (f" - {cameras.method_of(theirs)}" if name == ALONE else "")
    return pd.DataFrame({"setting": shown, **{column: paired(ours, theirs, column) for column in columns}})
