"""Runs that were trained twice: code, settings, seeds, data and versions agree, so that rounding alone differs.

results/retrained/earlier.csv keeps rows of methods and replication that later ones have replaced, trained on another
kind of processor. They tell how far a number of this repository is from what another machine would give.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from debias import plots
from debias.files import write_text
from experiments.engine.store import DIGESTS
from experiments.report import artefacts, cameras, effects, pooled
from experiments.report.comparisons import ABOUT, FIXED_RATE, Finding, paired, significant, told
from experiments.report.rows import as_csv, read_rows
from experiments.report.tables import NAMES, Pair, Section, by_setting, pairs_of, title

FOLDER, EARLIER, APART = "retrained", "earlier.csv", "apart.md"
FIGURE, BOTH, BEFORE = "retrained", "both_tens", "earlier_tens"
PARTS = ("methods", "replication")  # whose runs were trained twice
NOTHING_BUT = "The same code, settings, seeds, data and versions on two kinds of processor, which round differently"
MEAN = "Of each run the mean of two trainings"
_SAME = ("id", "config", *DIGESTS)  # columns that are equal where two rows are of one run
_CIRCUMSTANCES = ("seed", "seconds", "threads")
_MOST = 0.95  # of the runs

Twice = tuple[pd.DataFrame, pd.DataFrame]  # rows of the same runs in one order: those of now, and others


def read(results: Path, rows: Mapping[str, pd.DataFrame]) -> dict[str, Twice]:
    """Folder -> what `rows` (folder -> rows) and earlier.csv both have of it; InputError as of `read_rows`."""
    earlier = read_rows(results / FOLDER, EARLIER)
    if earlier is None:
        return {}
    found = {name: matched(rows[name], earlier, (*_SAME, "versions")) for name in PARTS if name in rows}
    return {name: twice for name, twice in found.items() if len(twice[0])}


def matched(rows: pd.DataFrame, others: pd.DataFrame, same: Sequence[str] = _SAME) -> Twice:
    """Of two tables the rows of the same runs.

    Args:
        same: the columns that are equal in such rows, where both tables have them: name, settings and the digests of
            code and data.
    """
    common = [name for name in same if name in rows and name in others]
    theirs = others.merge(rows[common]).set_index("id")
    return rows.set_index("id").loc[theirs.index], theirs


def write(results: Path, found: Mapping[str, Twice]) -> None:
    """Tables, sentence and figures of what was trained twice; summary.json comes last and says for which rows."""
    folder = results / FOLDER
    if not found:
        return artefacts.clear(folder)
    sections = [part for name, twice in found.items() for part in (differences(name, twice), gains(name, twice))]
    table = "\n\n".join(section.markdown() for section in sections)
    if _common(found):
        artefacts.save_figure(folder, FIGURE, figure(found))
    said, texts = _write_both_tens(folder, found)
    artefacts.write_texts(folder, f"{table}\n", said, {APART: f"{sentence(found)}\n", **texts})
    summary = {artefacts.DRAWN_FROM: _digest(found), "text": said}
    write_text(folder / artefacts.SUMMARY, json.dumps(summary, indent=1) + "\n")


def is_current(results: Path, found: Mapping[str, Twice]) -> bool:
    """Whether results/retrained holds what is made of these rows."""
    return artefacts.drawn_from(results / FOLDER) == (_digest(found) if found else None)


def differences(name: str, twice: Twice, minus: str = "now minus earlier") -> Section:
    """How far one training of a run is from the other, and how far the means over seeds are; a line a setting.

    Args:
        name: what the runs are of.
        minus: what the two trainings are called.
    """
    heading = (
        f"{name}: two trainings of each run, on {effects.where(twice[0])}, at 1 % false positives; means over runs"
    )
    apart = [f"{measure} apart" for measure in NAMES.values()]
    header = ["setting", "runs", *apart, "worst apart, at most", f"worst, {minus}"]
    return Section(heading, header, [_line(part) for part in by_setting(_change(twice)).values()])


def gains(name: str, twice: Twice) -> Section:
    """What each setting changes for the worst group beside its CNN: by either training, and by the mean of both."""
    columns = {name: _found(rows) for name, rows in _trainings(twice).items()}
    lines = [
        [*map(title, pair), *(told(found.get(setting)) for found in columns.values())]
        for setting, pair in _pairs(twice[0]).items()
    ]
    heading = f"{name}: worst group on {effects.where(twice[0])}, at 1 % false positives. {ABOUT}"
    return Section(heading, ["setting", "minus", *columns], lines)


def averaged(twice: Twice) -> pd.DataFrame:
    """The rows of now, with the mean of both trainings in what was measured of both; all else is that of now."""
    now, other = twice
    measured = [name for name in other.select_dtypes("number") if name in now and name not in _CIRCUMSTANCES]
    return now.assign(**{name: (now[name] + other[name]) / 2 for name in measured})


def sentence(found: Mapping[str, Twice]) -> str:
    """How far rounding alone moves the worst group of a run, its mean over seeds, and the verdicts."""
    change = pd.concat([_change(twice).assign(part=name) for name, twice in found.items()])
    means = change.groupby(["part", "setting"])["worst_recall"].mean().abs()
    clear = [pair for twice in found.values() for pair in _verdicts(twice)]
    varied = change["worst_recall"][change["camera"] > 0]
    with_camera = f" (with a random camera in training {_apart(varied)})" if 0 < len(varied) < len(change) else ""
    return (
        f"{NOTHING_BUT}: {len(change)} runs. In the worst group on another camera, at 1 % false positives, two "
        f"trainings of a run differ {_apart(change['worst_recall'])}{with_camera}; two means over the seeds of a "
        f"setting by {means.mean():.1f} on average, {means.max():.1f} at most. Of {len(clear)} differences to a CNN "
        f"{sum(map(any, clear))} are clear by one training at least, {sum(map(all, clear))} of these by both."
    )


def _apart(change: pd.Series) -> str:
    sizes = change.abs()
    return (
        f"by {sizes.mean():.1f} points on average, {100 * _MOST:.0f} % of them by less than {sizes.quantile(_MOST):.1f}"
    )


def both_tens(parts: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """Both tens of seeds, of the rows of each part; None where a ten is lacking."""
    return pooled.together(*(parts[name] for name in PARTS)) if set(parts) == set(PARTS) else None


def figure(found: Mapping[str, Twice]) -> Figure:
    """The worst group minus that of the CNN, by either training and by both, of the settings that every part has."""
    rows = pd.concat(_points(twice, name) for name in _common(found) for twice in found.values())
    panels = {name: f"Δ to the CNN,\n{name}" for name in rows if name != "setting"}
    about = "worst group on another camera, 1 % false positives, in points; the same runs on two kinds of processor"
    return plots.named_points(rows, "setting", panels, note=f"{about}\n{plots.POINTS_NOTE}", zero=True)


def _write_both_tens(folder: Path, found: Mapping[str, Twice]) -> tuple[str, dict[str, str]]:
    """Draw both tens by the mean of both trainings; the sentence, and file -> text; nothing where a ten is lacking."""
    rows = both_tens({name: averaged(twice) for name, twice in found.items()})
    if rows is None or not pooled.pairs(rows):
        return "", {}
    earlier = both_tens({name: others.reset_index() for name, (_, others) in found.items()})
    artefacts.save_figure(folder, BOTH, pooled.figure(rows, MEAN.lower()))
    texts = {f"{BOTH}.md": pooled.table(rows), f"{BEFORE}.md": f"The earlier training. {pooled.table(earlier)}"}
    return f"{MEAN}. {pooled.sentence(rows)}", texts


def _digest(found: Mapping[str, Twice]) -> str:
    return artefacts.digest("".join(as_csv(rows) for twice in found.values() for rows in twice))


def _line(part: pd.DataFrame) -> list[str]:
    sizes = part[[*NAMES]].abs()
    means = [f"{mean:.1f}" for mean in sizes.mean()]
    return [
        title(part),
        str(len(part)),
        *means,
        f"{sizes['worst_recall'].max():.1f}",
        f"{part['worst_recall'].mean():+.1f}",
    ]


def _change(twice: Twice) -> pd.DataFrame:
    """Each measure on the last test, at 1 % false positives, of now minus the other; a row a run."""
    now, other = twice
    columns = {f"{measure}{FIXED_RATE}{effects.hardest(now)}": measure for measure in NAMES}
    change = (now[[*columns]] - other[[*columns]]).rename(columns=columns)
    return change.assign(setting=now["setting"], title=now["title"], camera=now["setting"].map(_cameras(now)))


def _common(found: Mapping[str, Twice]) -> list[str]:
    """The settings that every part compares with a CNN, in the order of the first."""
    first, *others = (_pairs(now) for now, _ in found.values())
    return [name for name in first if all(name in other for other in others)]


def _points(twice: Twice, name: str) -> pd.DataFrame:
    """The difference of a setting to its CNN, a row a seed and a column a training."""
    found = {training: paired(*_pairs(rows)[name], _worst(rows)) for training, rows in _trainings(twice).items()}
    return pd.DataFrame({"setting": cameras.method_of(_pairs(twice[0])[name][0]), **found})


def _trainings(twice: Twice) -> dict[str, pd.DataFrame]:
    """What people call a training -> its rows."""
    return {"earlier": twice[1], "now": twice[0], "mean of both": averaged(twice)}


def _verdicts(twice: Twice) -> list[tuple[bool, bool]]:
    """Whether each difference to a CNN is clear by the one training, and by the other."""
    now, earlier = map(_found, twice)
    return [(now[name][1], earlier[name][1]) for name in now]


def _pairs(rows: pd.DataFrame) -> dict[str, Pair]:
    """Name of a setting -> its rows, and those of a CNN with the same camera or, for a CNN with one, without."""
    parts, seen = by_setting(rows), _cameras(rows)
    peers = {
        name: peer
        for name, peer in effects.peers(rows).items()
        if seen[name] == seen[peer] or parts[name]["method"].iloc[0] == "cnn"
    }
    return pairs_of(rows, peers)


def _cameras(rows: pd.DataFrame) -> dict[str, float]:
    """Name of a setting -> how far a random camera changed its images of training."""
    return {name: effects.camera(part) for name, part in by_setting(rows).items()}


def _found(rows: pd.DataFrame) -> dict[str, Finding]:
    """What each changes for the worst group, and whether that is clear."""
    return significant(_pairs(rows), _worst(rows))


def _worst(rows: pd.DataFrame) -> str:
    return f"worst_recall{FIXED_RATE}{effects.hardest(rows)}"
