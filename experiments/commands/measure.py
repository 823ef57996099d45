"""python -m experiments benchmark, detection and photographs: speed, and models of experiments on real photographs."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from debias.errors import InputError
from debias.files import write_text
from debias.provenance import provenance
from experiments.commands.shared import (
    Folders,
    check_seeds,
    experiment_names,
    job_count,
    placed,
    published_rows,
    show,
    tell_failures,
    with_seeds,
)
from experiments.registry import EXPERIMENTS

if TYPE_CHECKING:
    from experiments.benchmark.timing import Measurements


@dataclasses.dataclass(frozen=True)
class Benchmark(Folders):
    """Speed and memory, each figure beside its peer in one run; the last line is JSON.

    PyTorch and the course's loader, which it is compared with, are installed aside in the cache folder.

    For example:

        python -m experiments benchmark
        python -m experiments benchmark --quick
    """

    quick: bool = False
    """Only what the last line says, in about four minutes, without downloads and without writing results/."""

    def __call__(self) -> int:
        from experiments.benchmark.measure import last_line, measure, quick

        if self.quick:
            measured = quick(self.cache)
        else:
            measured, peers = measure(self.cache)
            self._write(measured, peers.versions())
        print(json.dumps(last_line(measured)))
        return 0

    def _write(self, measured: "Measurements", versions: str) -> None:
        from experiments.benchmark.timing import medians
        from experiments.report import benchmark, results

        folder = self.results / benchmark.FOLDER
        summary = medians(measured) | provenance() | {"peers": versions, benchmark.ROUNDS: measured}
        write_text(folder / benchmark.SUMMARY, json.dumps(summary, indent=1) + "\n")
        benchmark.draw(folder)
        results.refresh(self.results, EXPERIMENTS.values())
        show(folder, (folder / "table.md").read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Detection(Folders):
    """Sliding windows on real photographs, by the models of 'quick': a table and a heat map in results/detection.

    Example:
        python -m experiments detection
    """

    stale: str = "refuse"
    """Models trained by other code: 'refuse' to take them, 'keep' them, or 'redo' them."""

    def __call__(self) -> int:
        from debias.training import one_thread
        from experiments import detection
        from experiments.engine.sweep import Options
        from experiments.report import results

        one_thread()
        folder = detection.run(self.cache, self.results, Options(stale=self.stale))
        results.refresh(self.results, EXPERIMENTS.values())
        return show(folder, (folder / "table.md").read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Photographs(Folders):
    """Models trained on rendered faces, tested on UTKFace's adults by gender and race: results/photographs.

    You bring the photographs, prepared by python -m debias.data prepare; what is written of them are numbers. Models
    that are missing are trained first.

    For example:

        python -m experiments photographs --faces utkface.h5 --negatives tiny.h5
        python -m experiments photographs --faces utkface.h5 --negatives tiny.h5 --of methods --reuse --finished
    """

    faces: Path
    """UTKFace, prepared; the faces on experiments/utkface-adults.sha256 are taken, others are left out."""
    negatives: Path
    """Photographs of anything else, prepared: one half fixes the threshold, the other is tested on."""
    of: str = "transfer"
    """The experiment whose models are tested; results/<experiment>/photographs for others than transfer."""
    seeds: int | None = None
    """How many paired seeds; the experiment's own number by default."""
    jobs: int | None = None
    """Runs at a time, one core each; all cores by default."""
    stale: str = "refuse"
    """Models trained by other code: 'refuse' to mix them in, 'keep' them, or 'redo' them."""
    reuse: bool = False
    """Count rows in results/ as finished, of any experiment, where code, settings, data and tests are the same."""
    finished: bool = False
    """Train nothing: write what there is of models that are trained, however little it is."""
    overwrite: bool = False
    """Replace rows in results/ that yours differ from."""

    def __call__(self) -> int:
        from experiments import photographs
        from experiments.engine.sweep import Options
        from experiments.report import real_faces, results, rows

        check_seeds(self.seeds)
        name, *more = experiment_names(self.of)
        if more:
            raise InputError(f"--of {self.of} stands for {1 + len(more)} experiments: name one of them")
        experiment = with_seeds(EXPERIMENTS[name], self.seeds)
        folder = self.results / real_faces.folder_of(experiment)
        published = None if self.overwrite else rows.read_rows(folder)
        reused = published_rows(self.results) if self.reuse else ()
        options = Options(jobs=job_count(self.jobs), stale=self.stale, published=reused, trains=not self.finished)
        measured, failures, counts = photographs.measure(self.faces, self.negatives, experiment, self.cache, options)
        if len(failures):
            return tell_failures(folder, failures, [run.id for run in experiment.runs()])
        if measured.empty:
            raise InputError(f"{self.of}: none of its models is trained yet: leave out --finished")
        folder, measured = placed(self, self.results, folder, published, measured)
        real_faces.write(folder, measured, counts, experiment)
        results.refresh(self.results, EXPERIMENTS.values())
        return show(folder, (folder / "table.md").read_text(encoding="utf-8"))
