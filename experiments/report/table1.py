"""The paper's table 1 beside the published numbers, what reproduces of it, and its figures.

All is told of the last of the tests: of another camera, on the embedded benchmark.
"""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from debias.data.names import is_embedded
from debias.markdown import markdown
from experiments.engine.experiment import Experiment, Setting
from experiments.report import effects, shared_figures, tables
from experiments.report.comparisons import (
    FIXED_RATE,
    OWN,
    changes,
    difference,
    interval,
    seeds_of,
    significant,
    told,
)
from experiments.report.figure_data import FigureData
from experiments.report.report import Report
from experiments.report.tables import Section, by_setting, rare_mass
from experiments.settings import ALPHAS, FACES, K_THAT_WORKS, K
from experiments.table1 import BARS, BEST, GROUPS, NONE, SEEDS, UNIFORM, WORKS, by

# E[A] and Var[A] as published, for no debiasing and the four values of alpha: the paper's table 1, and JMitnik's
# reproduction in PyTorch (rule 'max', five runs).
PUBLISHED = {
    "paper": ((95.13, 95.84, 96.47, 97.13, 97.36), (28.84, 25.43, 18.08, 9.49, 9.43)),
    "JMitnik, max (5 runs)": ((93.4, 95.8, 96.4, 96.5, 96.4), (33.3, 24.0, 20.2, 17.6, 17.1)),
}
AT = ("the threshold 0.5", "1 % FPR")
FEWEST = by("product", K_THAT_WORKS, ALPHAS[-1])


def table(experiment: Experiment, rows: pd.DataFrame) -> str:
    """Ours beside the published numbers, then every group, every difference and what was sampled; then each test."""
    seen = _seen(rows)
    further = [variances(seen), *differences(experiment, seen)]
    parts = [f"Tested on {effects.where(rows)}.", beside_published(seen).markdown(), tables.as_markdown(seen, further)]
    return "\n\n".join([*parts, *([tables.further_section(rows).markdown() + "\n"] if experiment.tests else [])])


def beside_published(rows: pd.DataFrame) -> Section:
    """E[A] / Var[A], mean over seeds, for no debiasing and each alpha."""
    lines = [
        [name, *(f"{e:.1f} / {var:.1f}" for e, var in zip(*both, strict=True))] for name, both in PUBLISHED.items()
    ]
    for rule, k in SEEDS:
        names = [NONE.name, *(by(rule, k, alpha).name for alpha in ALPHAS)]
        seeds = set(rows.loc[rows["setting"].isin(names[1:]), "seed"]) or set(rows["seed"])  # 'none' has others as well
        paired = by_setting(rows[rows["seed"].isin(seeds)])
        lines.append([f"ours, {rule}, k = {k} ({len(seeds)} seeds)", *(_pair(paired.get(name, ())) for name in names)])
    header = ["E[A] in % / Var[A] in %²", "none", *(f"α = {alpha:g}" for alpha in ALPHAS)]
    return Section("At the model's own threshold, beside what was published on other data", header, lines)


def variances(rows: pd.DataFrame) -> Section:
    """Var[A] in both conventions; over groups for each run, then averaged over seeds, and of the averaged recalls."""
    recalls = [f"recall {group}" for group in tables.groups_of(rows)]
    lines = []
    for part in by_setting(rows).values():
        of_means = part[recalls].mean().var(ddof=1)
        values = (part["var_recall"].mean(), part["var_recall_population"].mean(), of_means)
        lines.append([tables.title(part), *(f"{value:.1f}" for value in values)])
    header = ["setting", "sample (ddof 1)", "population (ddof 0)", "sample, of recalls averaged over seeds"]
    return Section("Var[A] in %² by convention, own threshold", header, lines)


def differences(experiment: Experiment, rows: pd.DataFrame) -> list[Section]:
    """Every setting against the CNN, the paper's 'no debiasing', and against the VAE that differs only in sampling."""
    to_cnn = _to_cnn(experiment)
    return [tables.difference_section(rows, to_cnn), tables.difference_section(rows, _to_vae())]


def sentence(experiment: Experiment, rows: pd.DataFrame) -> str:
    """The finding: what the course's rule changes, and what becomes of the paper's as it is printed."""
    seen = _seen(rows)
    parts, pairs = by_setting(seen), tables.pairs_of(seen, _to_cnn(experiment))
    best, none = parts[BEST.name], parts[NONE.name]
    found = changes(best, none)
    if not found or not {by("product", K, alpha).name for alpha in ALPHAS} <= set(parts):
        return ""
    ess, recall = (_range("product", K, parts, column) for column in ("ess", "mean_recall"))
    return (
        f"On {effects.where(rows)}, at 1 % false positives, the course's resampling rule (max, k = {K}, "
        f"α = {ALPHAS[-1]:g}) {found}: means over {seeds_of(best)}, in brackets the difference to the CNN "
        f"and its 95 % interval; {_clear(pairs, FIXED_RATE)}, by Holm's correction for all lines. At their own "
        f"threshold, where the paper measures, it changes the variance by {_change(best, none, 'var_recall')} and the "
        f"mean by {_change(best, none, 'mean_recall')}; {_clear(pairs, OWN)}. Eq. 4 with the course's {K} latents, "
        f"a product over them, draws from a few faces alone (an effective sample size of {ess}) and its models find "
        f"{recall} % of the faces at their own threshold."
    )


def texts(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, str]:
    """The comparison with the published numbers, and what reproduces."""
    head = beside_published(_seen(rows))
    found = {"published.md": markdown(head.header, head.lines) + "\n"}
    ours = is_embedded(experiment.data) and rows["seed"].nunique() > 1  # the sentences were written about these rows
    whole = {setting.name for setting in experiment.settings} <= set(rows["setting"])
    return found | ({"findings.md": findings(experiment, rows)} if ours and whole else {})


def findings(experiment: Experiment, rows: pd.DataFrame) -> str:
    """What reproduces and what does not, in a list, with numbers from the rows."""
    rows = _seen(rows)
    parts, to_cnn = by_setting(rows), tables.pairs_of(rows, _to_cnn(experiment))
    none, best, oracle = (parts[setting.name] for setting in (NONE, BEST, GROUPS))
    lines = (
        _fall(to_cnn, tables.pairs_of(rows, _to_vae()), best, none),
        _false_positives(best, none),
        _by_alpha(parts),
        _many_latents(parts),
        _few_latents(parts, to_cnn),
        _how_much(none, best, oracle),
        _drawn(*(rare_mass(experiment, part).mean() for part in (none, best, oracle))),
    )
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1)) + "\n"


def figures(experiment: Experiment, rows: pd.DataFrame, data: FigureData) -> dict[str, Figure]:
    """Recall by group with and without debiasing (Fig. 5B); and over false-positive rates, where those are known."""
    titles, seen = shared_figures.titles(BARS), _seen(rows)
    drawn = {"fig5b_recall": shared_figures.group_figure(rows, titles, OWN, effects.hardest(rows))}
    if tables.endings(seen, "f"):
        drawn["threshold_sensitivity"] = shared_figures.threshold_figure(seen, titles)
    return drawn


def _seen(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as measured on the last of their tests."""
    return tables.on_test(rows, effects.hardest(rows))


def _fall(to_cnn, to_vae, best, none) -> str:
    alone = told(significant(to_vae, "var_recall").get(BEST.name))
    return (
        f"**The variance falls: {_verdict(to_cnn, BEST)}.** The course's rule (max, k = {K}, α = {ALPHAS[-1]:g}) "
        f"changes Var[A] by {_change(best, none, 'var_recall')} and E[A] by "
        f"{_change(best, none, 'mean_recall')} against the CNN, and Var[A] by {alone} "
        "against the same network with uniform draws."
    )


def _false_positives(best, none) -> str:
    return (
        f"**False positives.** Where 1 % of the validation negatives pass, that rule changes Var[A] by "
        f"{_change(best, none, 'var_recall_fpr1')} and E[A] by {_change(best, none, 'mean_recall_fpr1')}; of the "
        f"test's negatives {_passing(best, FIXED_RATE)} % pass then, and with the CNN {_passing(none, FIXED_RATE)} %. "
        f"At 0.5 it is {_passing(best, OWN)} and {_passing(none, OWN)} %, a change of "
        f"{_change(best, none, 'fpr', 2)}. JMitnik's debiased models lost precision; that rule's have "
        f"{best['precision'].mean():.1f} % against {none['precision'].mean():.1f} %."
    )


def _by_alpha(parts) -> str:
    largest, best = (parts[by("max", K, alpha).name] for alpha in (ALPHAS[0], ALPHAS[-1]))
    smaller = _verdict({BEST.name: (best, largest)}, BEST)  # one comparison, which was planned
    return (
        f"**The smallest α has a lower variance than the largest: {smaller}**, by one planned comparison, "
        "uncorrected. With that rule Var[A] is "
        f"{_listed(_each_alpha('max', K, parts, 'var_recall'))} for α = {_listed(ALPHAS)}; from the largest to the "
        f"smallest it changes by {_change(best, largest, 'var_recall')}."
    )


def _many_latents(parts) -> str:
    return (
        f"**Eq. 4 with the course's k = {K} collapses.** The product over {K} latents puts its mass on very "
        f"few faces (effective sample sizes, 1 where every draw is the same face: "
        f"{', '.join(_each_alpha('product', K, parts, 'ess', ',.0f'))} for the same α), and E[A] is "
        f"{_listed(_each_alpha('product', K, parts, 'mean_recall'))} %."
    )


def _few_latents(parts, to_cnn) -> str:
    none, works, fewest = (parts[setting.name] for setting in (NONE, WORKS, FEWEST))
    lost = told(significant(to_cnn, "mean_recall").get(FEWEST.name))
    return (
        f"**With k = {K_THAT_WORKS} and α = {FACES.alpha:g} the variance falls: {_verdict(to_cnn, WORKS)}.** It "
        f"changes by {_change(works, none, 'var_recall')}, at 1 % FPR by {_change(works, none, 'var_recall_fpr1')}. "
        f"For the same α as above Var[A] is {_listed(_each_alpha('product', K_THAT_WORKS, parts, 'var_recall'))}. At "
        f"α = 0.001 E[A] changes by {lost}, with an effective sample size of {fewest['ess'].mean():,.0f} faces."
    )


def _how_much(none, best, oracle) -> str:
    _, published = PUBLISHED["paper"]
    return (
        f"**How much.** From no debiasing to α = {ALPHAS[-1]:g} the paper's Var[A] changes by "
        f"{100 * (published[-1] / published[0] - 1):+.0f} %, here by {_part(none, best, OWN)} % with the max rule, and "
        f"by {_part(none, oracle, OWN)} % with the oracle, which draws by group labels. At 1 % FPR the last two are "
        f"{_part(none, best, FIXED_RATE)} and {_part(none, oracle, FIXED_RATE)} %."
    )


def _drawn(mass: float, mass_best: float, mass_oracle: float) -> str:
    return (
        f"**What is drawn.** Darker faces are {mass:.1f} % of the training faces and get {mass_best:.1f} % of the mass "
        f"in the last epoch; the oracle gives them {mass_oracle:.0f} %."
    )


def _to_cnn(experiment) -> dict[str, str]:
    return {setting.name: NONE.name for setting in experiment.settings if setting.name != NONE.name}


def _to_vae() -> dict[str, str]:
    """DB-VAE -> the same network drawing evenly."""
    return {by(rule, K, alpha).name: UNIFORM.name for rule in ("max", "product") for alpha in ALPHAS}


def _pair(part: pd.DataFrame) -> str:
    return f"{part['mean_recall'].mean():.1f} / {part['var_recall'].mean():.1f}" if len(part) else "-"


def _change(ours: pd.DataFrame, theirs: pd.DataFrame, column: str, digits: int = 1) -> str:
    found = difference(ours, theirs, column)
    return interval(found, digits) if found else "?"


def _passing(part: pd.DataFrame, at: str) -> str:
    """The false-positive rate in %, mean over seeds."""
    return f"{part[f'fpr{at}'].mean():.2f}"


def _verdict(pairs, of: Setting) -> str:
    """Whether Var[A] falls: by a paired t-test, corrected by Holm for all that were compared, at either threshold."""
    unknown = ({"mean": 0.0}, False)
    found = [significant(pairs, f"var_recall{at}").get(of.name, unknown) for at in (OWN, FIXED_RATE)]
    own, fixed = (clear and change["mean"] < 0 for change, clear in found)
    if own and fixed:
        return "reproduces"
    if own or fixed:
        return "reproduces at {}, may be chance at {}".format(*(AT if own else AT[::-1]))
    falls = [change["mean"] < 0 for change, _ in found]
    if any(falls) and not all(falls):
        return "no fall is seen at {}, may be chance at {}".format(*(AT[::-1] if falls[0] else AT))
    return "may be chance" if all(falls) else "no fall is seen"


def _clear(pairs, at: str) -> str:
    """Which of the best rule's changes at a threshold are significant, in words."""
    names = {"var_recall": "the variance's", "mean_recall": "the mean's"}
    clear = [name for measure, name in names.items() if significant(pairs, measure + at)[BEST.name][1]]
    if len(clear) == 1:
        return f"only {clear[0]} change is significant"
    return "both changes are significant" if clear else "both changes may be chance"


def _each_alpha(rule: str, k: int, parts, column: str, digits: str = ".1f") -> list[str]:
    return [format(parts[by(rule, k, alpha).name][column].mean(), digits) for alpha in ALPHAS]


def _range(rule: str, k: int, parts, column: str) -> str:
    """From the least mean of an alpha to the greatest, in whole numbers; one number where they are the same."""
    values = [float(value) for value in _each_alpha(rule, k, parts, column, ".0f")]
    return " to ".join(dict.fromkeys((f"{min(values):.0f}", f"{max(values):.0f}")))


def _listed(values: Iterable) -> str:
    *others, last = map(str, values)
    return f"{', '.join(others)} and {last}"


def _part(before: pd.DataFrame, after: pd.DataFrame, at: str) -> str:
    """By what part of it the mean Var[A] changes, in %."""
    return f"{100 * (after[f'var_recall{at}'].mean() / before[f'var_recall{at}'].mean() - 1):+.0f}"


REPORT = Report(table=table, figures=figures, texts=texts, sentence=sentence, needs=(NONE.name, BEST.name))
