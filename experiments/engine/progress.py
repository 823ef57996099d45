"""What a user sees while runs train: one bar with the time left, one line a finished run."""

from typing import TYPE_CHECKING

from rich.console import Console

from debias.progress import progress_bar

if TYPE_CHECKING:
    import keras


class RunProgress:
    """A bar over all runs that still have to be trained; it moves with every batch."""

    def __init__(self, todo: int, skipped: int):
        self.todo, self.skipped, self.done = todo, skipped, 0
        self.bar = progress_bar(Console(highlight=False))

    def __enter__(self):
        if self.skipped:
            self.bar.console.print(f"{self.skipped} finished runs kept, {self.todo} to do")
        if self.todo:
            self.bar.start()
            self.task = self.bar.add_task("training", total=self.todo)
        return self

    def __exit__(self, *_):
        self.bar.stop()

    def start(self, run_id: str, epochs: int) -> "keras.callbacks.Callback":
        """A callback that moves the bar by one run over all batches of `epochs`."""
        from debias.callbacks import Progress  # seconds: not for those whose runs are finished

        self.bar.update(self.task, description=run_id, completed=self.done)
        return Progress(self.advance, epochs)

    def advance(self, share: float) -> None:
        """Move the bar to `share` (0..1) of the run in progress."""
        self.bar.update(self.task, completed=self.done + share)

    def finished(self, row: dict) -> None:
        """Print the run's line."""
        self.done += 1
        self.bar.update(self.task, completed=self.done)
        self.bar.console.print(
            f"[{self.done}/{self.todo}] {row['id']:<34} E[A] {row['mean_recall']:5.1f}  "
            f"Var[A] {row['var_recall']:6.1f}  ESS {row['ess']:7.0f}  {row['seconds']:4.0f} s",
            markup=False,
            soft_wrap=True,
        )

    def failed(self, failure: dict) -> None:
        """Print why a run failed."""
        self.done += 1
        self.bar.update(self.task, completed=self.done)
        self.bar.console.print(f"FAILED {failure['id']}: {failure['reason']}", markup=False, soft_wrap=True)
