"""What else was tried to train faster, three lines each, from what the benchmark measured."""

from collections.abc import Mapping, Sequence

from experiments.benchmark.timing import SIZES, median

Found = Mapping[str, Sequence[float]]  # measurement -> what every round gave


def text(found: Found) -> str:
    """Markdown: an item for each trial that was measured."""
    tried = {
        "Threads": _threads,
        "Batch size": _batch_size,
        "steps_per_execution": _steps_per_execution,
        "bfloat16": _bfloat16,
        "oneDNN": _onednn,
        "A batch rendered on the fly": _rendered,
    }
    said = {}
    for name, say in tried.items():
        try:
            said[name] = say(found)
        except KeyError:  # not measured
            continue
    return "".join(f"- **{name}.** {words}\n" for name, words in said.items())


def _threads(found: Found) -> str:
    one, two = median(found, "trial_one_thread"), median(found, "runs_2_jobs_to_1")
    return (
        f"One thread trains {one:.2f} times as fast as all threads do, at batch 128; two runs at a time, one thread "
        f"each, do {two:.2f} times the work of one run. So a sweep takes one thread a run, whose row then also repeats "
        "bit for bit."
    )


def _batch_size(found: Found) -> str:
    speeds = [f"{median(found, f'resident_b{size}_images_per_s'):,.0f} at {size}" for size in SIZES]
    return (
        f"Images a second, resident: {', '.join(speeds)}. The experiments train with 64 and 128 images a batch, for "
        "what a pass over the faces then teaches and not for speed."
    )


def _steps_per_execution(found: Found) -> str:
    return (
        f"Ten steps a call train {median(found, 'trial_many_steps'):.2f} times as fast as one step a call, at batch "
        "128. It stays at one, where a loss that is no number ends the training at once."
    )


def _bfloat16(found: Found) -> str:
    return (
        f"Keras' mixed_bfloat16 trains {median(found, 'trial_bfloat16'):.2f} times as fast as float32 on this CPU, at "
        "batch 128. A CPU stays at float32; --precision chooses."
    )


def _onednn(found: Found) -> str:
    return (
        f"Without it this CPU trains {median(found, 'trial_no_onednn'):.2f} times as fast as with it, at batch 128. "
        "TensorFlow turns it on where it sees AVX-512 VNNI or younger instructions, this repository everywhere. No "
        "other kind of CPU was measured."
    )


def _rendered(found: Found) -> str:
    faces, others = (median(found, f"{kind}_per_core_s") for kind in ("faces", "negatives"))
    stored = median(found, "trial_one_thread") * median(found, "resident_b128_images_per_s")
    fresh = fresh_images_per_s(stored, faces, others)
    return (
        f"A core renders {faces:.0f} faces or {others:.0f} negatives a second, and trains on {stored:,.0f} stored "
        f"images. If it rendered each batch anew, it would train on {fresh:.0f}. A fresh image has to teach as much as "
        f"{stored / fresh:.0f} stored ones before that pays."
    )


def fresh_images_per_s(stored: float, faces: float, negatives: float) -> float:
    """Images that a core renders and trains on a second, half of them faces, from how many it does of each alone."""
    return 1 / (1 / stored + 0.5 / faces + 0.5 / negatives)
