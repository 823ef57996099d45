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

from debias.errors import InputError
from experiments.engine.experiment import Experiment
from experiments.report import figure_data
from experiments.report.artefacts import SENTENCE
from experiments.report.rows import is_hidden, read_failures

TEMPLATE = "page.html.j2"
CHAPTERS = (
    "transfer",
    "photographs",
    "table1",
    "methods",
    "replication",
    "retrained",
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
    "photographs": "Real photographs",
    "methods/photographs": "Every method, on real photographs",
    "replication/photographs": "The best methods again, on real photographs",
    "replication/pooled": "Twenty seeds: the first ten and the others together",
    "replication/pooled-photographs": "Twenty seeds, on real photographs",
    "retrained": "The same runs on another machine",
    "detection": "Sliding windows",
    "labs": "The labs",
    "labs/intro": "Lab 1a: first steps",
    "labs/music": "Lab 1b: folk tunes",
    "labs/mnist": "Lab 2a: digits",
    "labs/debiasing": "Lab 2b: debiasing",
    "labs/rl": "Lab 3: reinforcement learning",
    "benchmark": "Speed",
}  # where no experiment gives one
OTHERS = "Further experiments"
# The first that has rows opens the page, with this figure.
FINDINGS = {
    "retrained": "both_tens",
    "replication/pooled": "pooled",
    "transfer": "transfer",
    "table1": "fig5b_recall",
    "quick": "groups",
}
CAPTIONS = {
    "fig4_sampling": "Sampling probabilities, and the ten least and the ten most likely faces (Fig. 4 of the paper)",
    "fig5a_traversals": "Faces decoded while one latent moves (Fig. 5A of the paper): after the short training one "
    "of a hundred changes hardly anything by itself",
    "fig5b_recall": "Recall by group, with and without debiasing (Fig. 5B of the paper)",
    "threshold_sensitivity": "Gap between the groups' recalls, and mean recall, over the false-positive rate",
    "mass_ess": "Sampling mass on the rare groups against the effective sample size, over epochs",
    "latent_factors": "What single latents, and all of them together, tell of the known factors",
    "transfer": "Recall on another camera at 1 % false positives",
    "differences": "The worst group without and with a random camera, and minus that of the CNN with one",
    "methods": "The worst group without and with a random camera, and minus that of the CNN with one",
    "replication": "The worst group minus that of the CNN, seeds 10 to 19",
    "pooled": "What each way to draw faces changes, compared with the CNN, over twenty seeds",
    "both_tens": "What each way to draw faces changes, compared with the CNN, over twenty seeds",
    "retrained": "What each method changes, compared with the CNN, when its runs are trained on two kinds of processor",
    "groups": "Recall by group; at 1 % false positives on another camera, where it was tested by one",
    "sampling": "Sampling probabilities, and the ten least and the ten most likely faces",
    "reconstructions": "Test faces of every group, and what each autoencoder makes of them",
    "faces": "Test faces by group, then negatives",
    "photographs": "Models trained on rendered faces, tested on photographs, at 1 % false positives",
    "speed": "Images that DB-VAE trains on a second, by how its batches are made",
    "profile": "Where the time of one run goes",
    "heat": "The best of the windows that slide over each pixel; a frame around the best of all",
}
# What is equal in all rows that one training gave.
SAME_TRAINING = ["method", "config", "training_digest", "data_digest", "commit"]


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
    """One folder of results as the page shows it; Markdown has become HTML.

    Attributes:
        text: the sentence that says what the rows show.
        notes: further texts without a table.
        tables: texts with one; they fold where something else tells the same.
    """

    id: str
    title: str
    text: markupsafe.Markup
    notes: tuple[markupsafe.Markup, ...]
    tables: tuple[markupsafe.Markup, ...]
    pictures: tuple[Picture, ...]
    files: tuple[str, ...]


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
    known = {experiment.folder: experiment for experiment in experiments}
    sections = {folder: _section(results, folder, known.get(folder)) for folder in _folders(results, known)}
    every = pd.concat(rows.values(), ignore_index=True) if rows else None
    deviations = results / "deviations.md"
    return _template().render(
        finding=_finding(sections),
        chapters=_chapters(sections, known),
        waiting=[experiment for experiment in experiments if experiment.folder not in rows],
        totals=None if every is None else totals(every),
        environment={} if every is None else environment(every),
        failures=read_failures(results),
        deviations=deviations.exists() and to_html(deviations.read_text(encoding="utf-8"), "Deviations", 1),
    )


def totals(rows: pd.DataFrame) -> dict[str, float]:
    """Number of runs, of distinct trainings behind them, and the hours these took.

    A training may stand in several tables under several ids; it is counted once.
    """
    trained = rows.drop_duplicates(SAME_TRAINING)
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


def _finding(sections: Mapping[str, Section]) -> tuple[Section, Picture] | None:
    """What the page opens with: the sentence of a section, and one of its pictures."""
    for folder, name in FINDINGS.items():
        for picture in sections[folder].pictures if folder in sections else ():
            if PurePosixPath(picture.path).stem == name and sections[folder].text:
                return sections[folder], picture
    return None


def _chapters(sections: Mapping[str, Section], known: Mapping[str, Experiment]) -> list[Chapter]:
    chapters = {name: [] for name in (*CHAPTERS, OTHERS)}
    for folder, section in sections.items():
        first = PurePosixPath(folder).parts[0]
        chapters[first if first in CHAPTERS else OTHERS].append(section)
    return [
        Chapter(_slug(name), _title(name, known.get(name)), tuple(found)) for name, found in chapters.items() if found
    ]


def _folders(results: Path, known: Mapping[str, Experiment]) -> list[str]:
    """Folders that hold something to show: the experiments' in their order, then others by name."""
    files = [path for kind in ("*.md", "*.png") for path in results.rglob(kind) if not is_hidden(path, results)]
    found = {path.parent.relative_to(results).as_posix() for path in files}
    found = {folder for folder in found if folder != "." and PurePosixPath(folder).name != figure_data.FOLDER}
    return [folder for folder in known if folder in found] + sorted(found - set(known))


def _section(results: Path, folder: str, experiment: Experiment | None) -> Section:
    title = _title(folder, experiment)
    files = sorted(path for path in (results / folder).iterdir() if path.is_file() and path.name[0] != ".")
    texts = {path.name: to_html(path.read_text(encoding="utf-8"), title, 2) for path in files if path.suffix == ".md"}
    sentence, table = texts.pop(SENTENCE, markupsafe.Markup()), texts.pop("table.md", None)
    texts = [text for text in (table, *texts.values()) if text is not None]
    return Section(
        id=_slug(folder),
        title=title,
        text=sentence,
        notes=tuple(text for text in texts if "<table>" not in text),
        tables=tuple(text for text in texts if "<table>" in text),
        pictures=tuple(_picture(path, results, title) for path in files if path.suffix == ".png"),
        files=tuple(path.relative_to(results).as_posix() for path in files if path.suffix in (".csv", ".json", ".md")),
    )


def _title(folder: str, experiment: Experiment | None) -> str:
    return experiment.title if experiment else TITLES.get(folder, folder)


def _picture(path: Path, results: Path, title: str) -> Picture:
    width, height = _size(path)
    vector, relative = path.with_suffix(".svg"), path.relative_to(results)
    return Picture(
        path=relative.as_posix(),
        caption=CAPTIONS.get(path.stem, title if path.stem == path.parent.name else f"{title}: {path.stem}"),
        width=width,
        height=height,
        vector=relative.with_suffix(".svg").as_posix() if vector.exists() else None,
    )


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError) as error:
        remedy = "restore it from git, or delete it and call python -m experiments report"
        raise InputError(f"{path}: damaged image: {remedy}") from error


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
