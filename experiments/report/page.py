"""results/index.html: one static page of everything in results/, made from committed files alone."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import jinja2
import markupsafe
import pandas as pd
from markdown_it import MarkdownIt
from markdown_it.token import Token
from PIL import Image

from experiments.experiment import Experiment

TEMPLATE = "page.html.j2"
CHAPTERS = (
    "table1",
    "figures",
    "ablations",
    "quick",
    "calibration",
    "parliament",
    "detection",
    "labs",
    "benchmark",
)  # first parts of folders
TITLES = {
    "ablations": "Ablations",
    "parliament": "The faces",
    "detection": "Photographs",
    "labs": "The labs",
    "labs/intro": "Lab 1a: first steps",
    "labs/music": "Lab 1b: folk tunes",
    "labs/mnist": "Lab 2a: digits",
    "labs/debiasing": "Lab 2b: debiasing",
    "labs/rl": "Lab 3: reinforcement learning",
    "benchmark": "Speed",
}  # where no experiment gives one
OTHERS = "Further experiments"
FOLDED = ("ablations",)  # chapters whose tables open on request: their figures and sentences say the same
CAPTIONS = {
    "fig4_sampling": "Sampling probabilities, and the ten least and the ten most likely faces (Fig. 4 of the paper)",
    "fig5a_traversals": "Faces decoded while one latent moves (Fig. 5A of the paper)",
    "fig5b_recall": "Recall by group, with and without debiasing (Fig. 5B of the paper)",
    "threshold_sensitivity": "Gap between the groups' recalls, and mean recall, over the false-positive rate",
    "mass_ess": "Sampling mass on the rare groups against the effective sample size, over epochs",
    "latent_factors": "What single latents, and all of them together, tell of the known factors",
    "groups": "Recall by group",
    "sampling": "Sampling probabilities, and the ten least and the ten most likely faces",
    "reconstructions": "Test faces of every group, and what each autoencoder makes of them",
    "faces": "Test faces by group, then negatives",
    "heat": "The best of the windows that slide over each pixel; a frame around the best of all",
}
SAME_TRAINING = ["method", "config", "fingerprint", "commit", "seconds"]  # equal in all rows that one training gave


@dataclass(frozen=True)
class Picture:
    """An image to show: paths are relative to results, sizes in pixels."""

    path: str
    caption: str
    width: int
    height: int
    vector: str | None


@dataclass(frozen=True)
class Section:
    """One folder of results as the page shows it; Markdown has become HTML."""

    id: str
    title: str
    text: markupsafe.Markup
    documents: tuple[markupsafe.Markup, ...]
    pictures: tuple[Picture, ...]
    files: tuple[str, ...]
    folded: bool


@dataclass(frozen=True)
class Chapter:
    """Sections under one heading of the page."""

    id: str
    title: str
    sections: tuple[Section, ...]


def render(results: Path, experiments: Iterable[Experiment], rows: Mapping[str, pd.DataFrame]) -> str:
    """The page, as HTML with links relative to `results`.

    Args:
        experiments: all there are; those without rows are listed as not run.
        rows: folder under `results` -> its rows.
    """
    experiments = tuple(experiments)
    every = pd.concat(rows.values(), ignore_index=True) if rows else None
    return _template().render(
        chapters=_chapters(results, experiments, rows),
        waiting=[experiment for experiment in experiments if experiment.folder not in rows],
        totals=None if every is None else totals(every),
        environment={} if every is None else environment(every),
        failures=_failures(results),
        deviations=_document(results / "deviations.md", "Deviations", shift=1),
    )


def totals(rows: pd.DataFrame) -> dict[str, float]:
    """Number of runs, of distinct trainings behind them, and the hours these took.

    A training may stand in several tables under several ids; it is counted once.
    """
    trained = rows.drop_duplicates([column for column in SAME_TRAINING if column in rows])
    return {"runs": len(rows), "trainings": len(trained), "hours": trained["seconds"].sum() / 3600}


def environment(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """What the runs were made with and on: column -> its values, each with the number of runs."""
    shown = [column for column in ("commit", "versions", "host", "threads", "data") if column in rows]
    return {column: rows[column].astype(str).value_counts(sort=False).to_dict() for column in shown}


def to_html(text: str, label: str, shift: int = 0) -> markupsafe.Markup:
    """Markdown as HTML: wide tables scroll in a box of their own, headings sink by `shift` levels.

    A line in bold that precedes a table becomes its caption; tables without one are called `label` by screen readers.
    """
    tokens = _captioned(_parser().parse(text))
    for table in _spans(tokens, "table"):
        _name_cells(table)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1]) + shift}"
        elif token.type == "table_open":
            token.meta.setdefault("label", label)
    # The parser escapes any HTML that stands in the text.
    return markupsafe.Markup(_parser().renderer.render(tokens, _parser().options, {}))


def _chapters(results, experiments, rows) -> list[Chapter]:
    known = {experiment.folder: experiment for experiment in experiments}
    sections = {folder: _section(results, folder, known.get(folder), rows) for folder in _folders(results, known)}
    chapters = {name: [] for name in (*CHAPTERS, OTHERS)}
    for folder, section in sections.items():
        first = PurePosixPath(folder).parts[0]
        chapters[first if first in CHAPTERS else OTHERS].append(section)
    return [
        Chapter(_slug(name), _title(name, known.get(name)), tuple(found)) for name, found in chapters.items() if found
    ]


def _folders(results: Path, known: Mapping[str, Experiment]) -> list[str]:
    """Folders that hold something to show: the experiments' in their order, then others by name."""
    found = {path.parent.relative_to(results).as_posix() for kind in ("*.md", "*.png") for path in results.rglob(kind)}
    found = {folder for folder in found if folder != "." and PurePosixPath(folder).name != "evidence"}
    return [folder for folder in known if folder in found] + sorted(found - set(known))


def _section(results: Path, folder: str, experiment: Experiment | None, rows) -> Section:
    title = _title(folder, experiment)
    text = experiment.text(rows[folder]) if experiment and folder in rows else ""
    files = sorted(path for path in (results / folder).iterdir() if path.is_file() and path.name[0] != ".")
    documents = sorted((path for path in files if path.suffix == ".md"), key=lambda path: path.name != "table.md")
    return Section(
        id=_slug(folder),
        title=title,
        text=to_html(text, title),
        documents=tuple(_document(path, title) for path in documents),
        pictures=tuple(_picture(path, results, title) for path in files if path.suffix == ".png"),
        files=tuple(path.relative_to(results).as_posix() for path in files if path.suffix in (".csv", ".json", ".md")),
        folded=PurePosixPath(folder).parts[0] in FOLDED,
    )


def _title(folder: str, experiment: Experiment | None) -> str:
    return experiment.title if experiment else TITLES.get(folder, folder)


def _document(path: Path, label: str, shift: int = 2) -> markupsafe.Markup | None:
    return to_html(path.read_text(encoding="utf-8"), label, shift) if path.exists() else None


def _picture(path: Path, results: Path, title: str) -> Picture:
    with Image.open(path) as image:
        width, height = image.size
    vector, relative = path.with_suffix(".svg"), path.relative_to(results)
    return Picture(
        path=relative.as_posix(),
        caption=CAPTIONS.get(path.stem, title if path.stem == path.parent.name else f"{title}: {path.stem}"),
        width=width,
        height=height,
        vector=relative.with_suffix(".svg").as_posix() if vector.exists() else None,
    )


def _failures(results: Path) -> list[dict]:
    tables = [pd.read_csv(path) for path in sorted(results.rglob("failures.csv"))]
    return [failure for table in tables for failure in table.to_dict("records")]


def _slug(folder: str) -> str:
    return folder.lower().replace("/", "-").replace(" ", "-")


@functools.cache
def _template() -> jinja2.Template:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(TEMPLATE)


@functools.cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def _open_table(renderer, tokens, index, options, env) -> str:
    meta = tokens[index].meta
    caption = f"<caption>{renderer.render([meta['caption']], options, env)}</caption>\n" if "caption" in meta else ""
    label = markupsafe.escape(meta["caption"].content if "caption" in meta else meta["label"])
    # A box that scrolls must take the focus, or it cannot be scrolled from a keyboard.
    return f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table>\n{caption}'


def _captioned(tokens: list[Token]) -> list[Token]:
    """Paragraphs that are bold throughout and stand before a table move into it."""
    kept = []
    for token in tokens:
        if token.type == "table_open" and len(kept) >= 3 and _is_bold(kept[-2]) and kept[-3].type == "paragraph_open":
            token.meta["caption"] = kept[-2]
            del kept[-3:]
        kept.append(token)
    return kept


def _is_bold(token: Token) -> bool:
    parts = [child.type for child in token.children or [] if child.content or child.type != "text"]
    return bool(parts) and (parts[0], parts[-1]) == ("strong_open", "strong_close")


def _spans(tokens: list[Token], kind: str) -> Iterable[list[Token]]:
    """The tokens between each opening and closing of `kind`."""
    for start, token in enumerate(tokens):
        if token.type == f"{kind}_open":
            end = next(i for i, later in enumerate(tokens[start:], start) if later.type == f"{kind}_close")
            yield tokens[start:end]


def _name_cells(table: list[Token]) -> None:
    """Cells of the head name their column, the first of each line names its line."""
    for token in table:
        if token.type == "th_open":
            token.attrSet("scope", "col")
    for line in _spans(table, "tr"):
        first = [token for token in line if token.type in ("td_open", "td_close")][:2]
        for token in first:
            token.tag = "th"
        for token in first[:1]:
            token.attrSet("scope", "row")
