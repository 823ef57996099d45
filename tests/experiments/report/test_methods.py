"""Who is chosen by the search, and what the table and the figure say, on rows whose numbers are known."""

import dataclasses

import pandas as pd
import pytest

from baselines import METHODS, focal
from debias import plots
from debias.provenance import ROOT
from experiments.methods import ALL, BLIND, BOUNDS, Compared, both
from experiments.methods_search import searched
from experiments.registry import EXPERIMENTS
from experiments.replication import CHOSEN
from experiments.report import cameras, methods, methods_search, replication
from experiments.report.methods_search import LOSS, WORST, chosen
from experiments.report.rows import read_rows

JTT = next(compared for compared in ALL if compared.method == "jtt")


def searched_rows(losses, worst) -> pd.DataFrame:
    """Three seeds of each point of JTT's grid, a little apart."""
    names = [f"jtt-times{point['times']}" for point in JTT.grid]
    columns = {"setting": names, LOSS: losses, WORST: worst}
    rows = pd.concat([pd.DataFrame(columns).assign(seed=seed) for seed in (0, 1, 2)], ignore_index=True)
    apart = {
        LOSS: rows[LOSS] * (1 + 1e-6 * rows["seed"]) + rows["seed"],
        WORST: rows[WORST] * (1 + 1e-6 * rows["seed"]),
    }
    return rows.assign(**apart).assign(title=lambda t: t["setting"])


def test_the_search_takes_the_least_loss_and_the_best_worst_group():
    rows = searched_rows([0.3, 0.2, 0.1], [70.0, 90.0, 80.0])
    assert chosen(rows, JTT) == (JTT.grid[2], JTT.grid[1])


def test_of_equal_points_the_default_is_taken_and_those_without_rows_take_no_part():
    rows = searched_rows([0.2, 0.2, 0.1], [90.0, 90.0, float("nan")])
    assert chosen(rows[rows["setting"] != "jtt-times50"], JTT) == (JTT.grid[0], JTT.grid[0])
    assert chosen(rows.assign(**{WORST: float("nan")}), JTT) == (JTT.grid[2], JTT.grid[0])  # no groups are known


def test_a_point_that_is_better_by_luck_does_not_replace_the_default():
    rows = searched_rows([0.3, 0.3, 0.3], [70.0, 70.0, 70.0])
    better, seed = rows["setting"] == "jtt-times5", rows["seed"]
    loss = rows[LOSS] - better * seed.map({0: 0.001, 1: 0.001, 2: 0.2})  # differences so far apart may have the mean 0
    assert chosen(rows.assign(**{LOSS: loss}), JTT) == (JTT.grid[0], JTT.grid[0])
    loss = rows[LOSS] - better * seed.map({0: 0.100, 1: 0.101, 2: 0.102})
    assert chosen(rows.assign(**{LOSS: loss}), JTT) == (JTT.grid[1], JTT.grid[0])


def test_every_method_has_a_search_of_the_same_size_and_is_compared():
    assert {len(compared.grid) for compared in ALL} == {3}
    assert {compared.method for compared in ALL} == set(METHODS) - {"dbvae-product"}  # it collapses: see table 1
    assert {METHODS[compared.method].labels for compared in BLIND} == {"class"}
    assert {METHODS[compared.method].labels for compared in BOUNDS} == {"group"}
    assert not set(EXPERIMENTS["methods_search"].seeds) & set(EXPERIMENTS["methods"].seeds)


def test_best_are_tried_again_as_they_were_on_seeds_that_chose_nothing():
    again, first = EXPERIMENTS["replication"], EXPERIMENTS["methods"]
    assert {setting.method for setting in again.settings} == set(CHOSEN)
    assert all(setting in first.settings for setting in again.settings)
    assert (again.base, again.data, again.tests) == (first.base, first.data, first.tests)
    assert not set(again.seeds) & {*first.seeds, *EXPERIMENTS["methods_search"].seeds} and len(again.seeds) == 10


def test_points_of_a_grid_are_what_is_trained():
    settings = {setting.name: setting for setting in EXPERIMENTS["methods_search"].settings}
    assert settings["jtt-times50"].trained.arguments == {"first_epochs": 1, "times": 50}
    assert settings["dbvae-max-alpha0.1"].changes == {"augment": 1.0, "alpha": 0.1}
    compared = Compared("jtt", JTT.grid, {"times": 5}, {"times": 50})
    found = {s.name: (s.changes, s.trained.arguments["times"]) for s in both(compared)}
    camera = {"augment": 1.0}
    assert found == {"jtt-none": ({}, 5), "jtt-random-camera": (camera, 5), "jtt-by-groups": (camera, 50)}


def test_committed_choices_are_those_of_the_committed_search():
    rows = read_rows(ROOT / "results" / "methods_search")
    if rows is None:
        assert all(compared.chosen is None and compared.by_groups is None for compared in ALL)
        return
    whole = rows.groupby("setting")["seed"].nunique()
    assert set(whole) == {len(EXPERIMENTS["methods_search"].seeds)}
    for compared in ALL:
        names = {searched(compared, point).name for point in compared.grid}
        found = names & set(whole.index)
        assert found in (set(), names)  # all of a method's points, or it is not searched yet
        by_loss, by_groups = chosen(rows, compared) if found else (compared.grid[0],) * 2
        assert compared.chosen == (None if by_loss == compared.grid[0] else by_loss)
        assert compared.by_groups == (None if by_groups == by_loss else by_groups)


@pytest.fixture(scope="module")
def experiment():
    """Four methods, one of which sees the groups, over eight seeds."""
    whole = EXPERIMENTS["methods"]
    names = [f"{name}-{camera}" for name in ("cnn", "focal", "jtt", "oracle") for camera in ("none", "random-camera")]
    settings = tuple(setting for setting in whole.settings if setting.name in names)
    return dataclasses.replace(whole, settings=settings, seeds=tuple(range(8)))


@pytest.fixture(scope="module")
def rows(experiment, rows_of):
    """E[A] is 90 plus the seed plus twice the number of the setting; JTT with a camera is the CNN with one, and noise.

    On another camera all are as on the own test, but for the oracle, which gains nothing.
    """
    rows = rows_of(experiment)
    noisy = rows["setting"] == "jtt-random-camera"
    noise = rows["seed"] % 2 - 0.5
    for measure, sign in (("mean_recall", 1), ("worst_recall", 1), ("var_recall", -1)):
        cnn = rows[rows["setting"] == "cnn-random-camera"].set_index("seed")[f"{measure}_fpr1"]
        level = rows["seed"].map(cnn)
        rows.loc[noisy, f"{measure}_fpr1"] = (level + sign * noise)[noisy]
        rows[f"{measure}@camera"] = rows[f"{measure}_fpr1@camera"] = rows[f"{measure}_fpr1"]
        rows.loc[rows["setting"] == "oracle-random-camera", f"{measure}_fpr1@camera"] = level
    rows["auroc@camera"], rows["fpr_fpr1@camera"] = 0.98, 1.23
    rows.loc[rows["setting"] == "jtt-random-camera", "seconds"] = 1350.0
    rows["mass darker male"] = rows["mass darker female"] = rows["method"].map({"jtt": 2.0, "oracle": 25.0}).fillna(1.0)
    return rows


@pytest.fixture
def lines(cells):
    """First cell -> other cells, of the table under a heading."""
    return lambda table, test: {first: rest for first, *rest in cells(table.split(f"**{test}**")[1].split("**")[0])[1:]}


def test_the_table_has_two_blocks_and_says_what_is_not_significant(experiment, rows, lines):
    found = lines(methods.table(experiment, rows), "own test")
    jtt, oracle = METHODS["jtt"].title, METHODS["oracle"].title
    assert list(found) == [
        "without group labels",
        *(f"{title}{camera}" for title in ("CNN", "Focal loss", jtt) for camera in ("", ", random camera")),
        "with group labels: bounds",
        *(oracle, f"{oracle}, random camera"),
    ]
    # Seconds, then differences to the CNN with a random camera in E[A], Var[A] and the worst group.
    *_, auroc, seconds, mean, variance, worst = found[f"{jtt}, random camera"]
    assert (auroc, seconds) == ("0.9900", "1.5")
    assert all(text.startswith("+0.0 [") and text.endswith("n.s.") for text in (mean, worst)) and "n.s." in variance
    assert found[f"{oracle}, random camera"][-3:] == [
        "+12.0 [+12.0, +12.0] *",
        "-12.0 [-12.0, -12.0] *",
        "+12.0 [+12.0, +12.0] *",
    ]
    assert found["CNN, random camera"][-3:] == found[jtt][-3:] == ["", "", ""]  # what is compared with, and no camera


def test_the_table_ends_with_what_is_drawn_by_those_who_resample(experiment, rows, lines):
    drawn = lines(methods.table(experiment, rows), "What is drawn in the last epoch")
    assert {title: share for title, (share, _) in drawn.items()} == {
        "CNN": "2.0",
        **dict.fromkeys((METHODS["jtt"].title, f"{METHODS['jtt'].title}, random camera"), "4.0"),
        **dict.fromkeys((METHODS["oracle"].title, f"{METHODS['oracle'].title}, random camera"), "50.0"),
    }


def test_what_each_method_does_is_told_once(experiment, rows):
    told = methods.REPORT.texts(experiment, rows, {})["about.md"].splitlines()
    assert [line.split("**")[1] for line in told] == ["CNN", "Focal loss", "JTT", "Oracle (groups)"]
    _, does = focal.__doc__.splitlines()[0].split("Focal loss: i")
    assert told[1] == f"- **Focal loss** (Lin et al., ICCV 2017). I{does}" and "less" in does


def test_each_test_has_its_table_and_the_sentence_names_who_is_better(experiment, rows, lines):
    table = methods.table(experiment, rows)
    assert "photographs" not in table
    assert lines(table, "another camera")[f"{METHODS['oracle'].title}, random camera"][-1] == "+0.0 [+0.0, +0.0] n.s."
    said = methods.sentence(experiment, rows)
    oracle = METHODS["oracle"].title
    own, camera = said.split("- Own test: ")[1].split("\n- Another camera: ")
    assert own == f"without group labels, Focal loss +4.0 [+4.0, +4.0] *; with them, {oracle} +12.0 [+12.0, +12.0] *."
    none = f"with them, none gains clearly (highest mean: {oracle} +0.0 [+0.0, +0.0] n.s.)."
    assert camera == f"without group labels, Focal loss +4.0 [+4.0, +4.0] *; {none}"
    worse = rows.assign(worst_recall_fpr1=rows["worst_recall_fpr1"] - 50 * (rows["setting"] == "focal-random-camera"))
    assert f"(highest mean: {METHODS['jtt'].title} +0.0 [" in (told := methods.sentence(experiment, worse))
    assert "; clearly worse: Focal loss -46.0 [-46.0, -46.0] *;" in told
    assert methods.sentence(experiment, rows[rows["seed"] == 0]) == ""


def test_without_a_camera_the_cnn_without_one_is_what_is_compared_with(experiment, rows):
    said = methods.REPORT.texts(experiment, rows, {})["without_camera.md"]
    jtt, oracle = METHODS["jtt"].title, METHODS["oracle"].title
    assert said.startswith("Worst group at 1 % false positives, in points above the CNN without a random camera, over ")
    found = (
        f"without group labels, {jtt} +8.0 [+8.0, +8.0] *, Focal loss +4.0 [+4.0, +4.0] *; with them, {oracle} +12.0"
    )
    for name in ("Own test", "Another camera"):
        assert f"{name}: {found} [+12.0, +12.0] *." in said
    blind = rows[~rows["setting"].str.endswith("random-camera")]
    assert (
        f"{methods.sentence(experiment, blind, camera=False)}\n" == said and methods.sentence(experiment, blind) == ""
    )
    seeing = rows[rows["setting"].str.endswith("random-camera")]
    assert "without_camera.md" not in methods.REPORT.texts(experiment, seeing, {})


def test_what_the_camera_adds_is_told_by_the_ends_and_the_cnn(experiment, rows):
    jtt, oracle = METHODS["jtt"].title, METHODS["oracle"].title
    said = methods.REPORT.texts(experiment, rows, {})["camera.md"]
    # Each with a camera is two points above the same without; JTT is where the CNN is, six below itself without one,
    # and on another camera so is the oracle, ten below itself.
    own, camera = said.split("- Own test: ")[1].split("\n- Another camera: ")
    assert own.startswith(
        f"of 4 methods 3 gain clearly (CNN; Focal loss; {oracle}) and 1 loses clearly; the least {jtt} -6.0 ["
    )
    assert camera.startswith(
        f"of 4 methods 2 gain clearly (CNN; Focal loss) and 2 lose clearly; the least {oracle} -10.0 ["
    )
    assert camera.endswith("CNN +2.0 [+2.0, +2.0] *.\n")
    blind = rows[~rows["setting"].str.endswith("random-camera")]
    assert (
        methods.camera_sentence(experiment, blind) == methods.camera_sentence(experiment, rows[rows["seed"] == 0]) == ""
    )


def test_the_figure_shows_the_worst_group_and_its_paired_differences(experiment, rows, tmp_path):
    figure = methods.figures(experiment, rows, {})["methods"]
    level, own, camera = figure.axes
    assert [axes.get_title(loc="left").split("\n")[1] for axes in figure.axes] == [
        "another camera",
        "own test",
        "another camera",
    ]
    names = [label.get_text() for label in level.get_yticklabels()]
    place, title = names.index("JTT"), "worst_recall_fpr1@camera"
    means = rows.groupby("setting")[title].mean()
    ring, dot = (
        line.get_xdata()[0] for line in level.lines if set(line.get_ydata()) == {place} and len(line.get_xdata()) == 1
    )
    assert (ring, dot) == pytest.approx((means["jtt-none"], means["jtt-random-camera"]))
    assert not [line for line in camera.lines if set(line.get_ydata()) == {names.index("CNN")}]
    assert len([line for line in own.lines if set(line.get_ydata()) == {place}]) == 3  # seeds, interval, mean
    kinds = {line.get_color() for line in level.lines if len(line.get_xdata()) == 1}
    assert len(kinds) == 2 and names[-1].endswith("(groups)")  # who sees groups stands last
    alone = methods.figures(experiment, rows[rows["setting"] != "jtt-none"], {})["methods"].axes[0]
    rings = [line for line in alone.lines if line.get_markerfacecolor() == "white"]
    assert sum(pd.notna(line.get_xdata()[0]) for line in rings) == len(names) - 1
    assert methods.figures(experiment, rows[rows["setting"].str.endswith("-none")], {}) == {"methods": None}
    plots.save(figure, tmp_path / "methods.png")


def test_a_ring_and_its_dot_differ_by_the_camera_alone():
    """What the groups have chosen was not trained without a camera."""
    settings = {setting.name: setting for setting in EXPERIMENTS["methods"].settings}
    for having in (setting for setting in settings.values() if cameras.has_camera(setting)):
        start = cameras.without_camera(EXPERIMENTS["methods"], having)
        assert start == settings.get(
            having.name.replace("-random-camera", "-none") if "by-groups" not in having.name else ""
        )


def test_a_table_of_the_search_marks_what_is_chosen(spread, rows_of, cells):
    experiment = EXPERIMENTS["methods_search"]
    rows = rows_of(experiment).assign(**{LOSS: 0.5, WORST: 50.0})
    rows.loc[rows["setting"] == "jtt-times5", LOSS] = 0.4 * spread(rows["seed"])
    assert [(first, last) for first, *_, last in cells(methods_search.table(experiment, rows), "JTT")] == [
        ("JTT, times 20", "worst group"),
        ("JTT, times 5", "loss"),
        ("JTT, times 50", ""),
    ]
    said = methods_search.sentence(experiment, rows)
    assert said.startswith("Of 18 methods, each tried with 3 values of one hyper-parameter and 5 seeds")
    assert (
        "clearly better by the validation loss for JTT with times 5, and by the worst validation group for none" in said
    )
    assert methods_search.sentence(experiment, rows[rows["setting"] == "jtt-times5"]) == ""
    part = methods_search.sentence(experiment, rows[~rows["method"].isin(["cnn", "dfr"])])
    assert part.startswith("Of 16 methods") and part.endswith("Still to be searched: CNN; DFR (groups).")


def test_what_is_drawn_is_told_of_those_who_draw_unevenly_with_an_interval_over_seeds(cells):
    again = EXPERIMENTS["replication"]
    names = [f"{method}-random-camera" for method in ("cnn", "jtt", "oracle")]
    shift = {names[0]: 0.0, names[1]: 0.1, names[2]: 2.0}
    drawn = pd.DataFrame([(n, s, f, shift[n] * (s + 1)) for n in names for s in (0, 1) for f in ("tone", "other")])
    drawn.columns = ["setting", "seed", "factor", "shift"]
    told = replication.texts(again, None, {"drawn": drawn})["drawn.md"]
    header, *lines = cells(told)
    assert header == ["faces with", "JTT, random camera", "Oracle (groups), random camera"]
    # Two values 0.1 and 0.2: mean 0.15, standard error 0.05, and Student's t with one degree of freedom is 12.706.
    assert lines == [["darker skin", "+0.15 [-0.49, +0.79]", "+3.00 [-9.71, +15.71]"]]
    assert replication.texts(again, None, {}) == {}
    assert " +0.10 |" in replication.texts(again, None, {"drawn": drawn[drawn["seed"] == 0]})["drawn.md"]
