"""python -m debias.data: what it prints, what it returns."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from debias.data import __main__ as commands
from debias.data.dataset import open_splits
from debias.data.parliament import __main__ as parliament
from debias.data.prepared import open_prepared
from debias.data.sources import celeba, folder, imagenet, mit, utkface

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def call(capsys):
    """Exit code, stdout and stderr of the command line, in this process."""

    def main(*words):
        try:
            code = commands.main([str(word) for word in words])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return main


@pytest.fixture
def faces(tmp_path, write_image):
    for number in range(200):
        write_image(tmp_path / "faces" / f"{number}_{number % 2}_1_{number:017}.jpg", number)
    return tmp_path / "faces"


@pytest.fixture
def others(tmp_path, write_image):
    for number in range(200, 256):  # other pixels than the faces
        write_image(tmp_path / "others" / "n01440764" / f"n01440764_{number}.JPEG", number)
    return tmp_path / "others"


def test_from_folders_to_a_training_file(call, faces, others, tmp_path):
    (faces / "broken 1_1_1_1.jpg").write_bytes(b"")
    code, output, _ = call("prepare", "utkface", faces, "--out", tmp_path / "faces.h5", "--size", 16)
    assert code == 0
    assert output == f"{tmp_path}/faces.h5: 200 images, 1 skipped: {tmp_path}/faces.skipped.csv\n"
    assert call("prepare", "imagenet", others, "--out", tmp_path / "others.h5", "--size", 16)[0] == 0
    words = ("--positives", tmp_path / "faces.h5", "--negatives", tmp_path / "others.h5", "--out", tmp_path / "all.h5")
    assert call("merge", *words)[:2] == (0, f"{tmp_path}/all.h5\n")
    assert len(open_splits(tmp_path / "all.h5").train) > 200


def test_a_folder_with_labels_becomes_a_data_set(call, faces, tmp_path):
    lines = [f"{path.name},{number % 2}" for number, path in enumerate(sorted(faces.iterdir()))]
    (faces / "labels.csv").write_text("\n".join(["file,label", *lines]))
    assert call("prepare", "folder", faces, "--out", tmp_path / "out.h5", "--size", 16)[0] == 0
    assert open_splits(tmp_path / "out.h5").train.image_shape == (16, 16, 3)


def test_sources_tells_how_to_get_each(call):
    code, output, _ = call("sources")
    assert code == 0
    for shown in ("celeba", "imagenet", "ppb", "fairface", "utkface", "mit", "gendershades.org", "image-net.org"):
        assert shown in output


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["prepare", "ppb", "nowhere", "--out", "a.h5"], "nowhere: no such folder: request it by the form"),
        (["prepare", "imagenet", "nowhere", "--out", "a.h5"], "ask for access at https://image-net.org"),
        (["prepare", "mit", "nowhere.h5", "--out", "a.h5"], "nowhere.h5: no such file"),
        (["prepare", "celeba", "nowhere"], "--out"),
        (["prepare", "nothing", "nowhere", "--out", "a.h5"], "nothing"),
        (["prepare", "ppb", "nowhere", "--out", "a.h5", "--size", "large"], "--size"),
        (["merge", "--positives", "a.h5", "--negatives", "b.h5", "--out", "c.h5"], "a.h5: no such file"),
        ([], "prepare"),
    ],
)
def test_bad_words_end_in_one_line_and_code_2(call, words, shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, output, error = call(*words)
    assert (code, output) == (2, "") and error.count("\n") == 1 and error.startswith("error: ") and shown in error
    assert not list(tmp_path.iterdir())


def test_nothing_is_downloaded_for_an_output_that_exists(call, tmp_path, monkeypatch):
    monkeypatch.setattr(mit, "download", lambda path: pytest.fail("1.3 GB"))
    (tmp_path / "faces.h5").touch()
    words = ("prepare", "mit", str(tmp_path / "mit.h5"), "--download", "--out", str(tmp_path / "faces.h5"))
    code, _, error = call(*words)
    assert code == 2 and error.count("\n") == 1 and "faces.h5" in error


@pytest.fixture
def told(call, monkeypatch, tmp_path):
    """The keyword arguments of readers and writers, which do nothing, after a line of words."""
    monkeypatch.chdir(tmp_path)
    found, writers = {}, [(commands, "merge", None), (commands, "prepare", []), (mit, "convert", None)]
    readers = [(module, "read", SimpleNamespace(items=[])) for module in (celeba, folder, imagenet, utkface)]
    for module, name, result in (*writers, *readers):
        monkeypatch.setattr(module, name, lambda *_, result=result, **options: found.update(options) or result)

    def told(line):
        found.clear()
        assert call(*line.split())[0] == 0
        return dict(found)

    return told


MERGE = "merge --positives a.h5 --negatives b.h5 --out c.h5"
CELEBA, IMAGENET, UTKFACE, FOLDER, MIT = (
    f"prepare {source} there --out c.h5" for source in ("celeba", "imagenet", "utkface", "folder", "mit")
)


@pytest.mark.parametrize(
    ("line", "word", "changed"),
    [
        (MERGE, "--seed 3", {"seed": 3}),
        (MERGE, "--no-groups", {"groups": False}),
        (MERGE, "--overwrite", {"overwrite": True}),
        (MERGE, "--near", {"near": True}),
        (MERGE, "--keep-conflicts", {"keep_conflicts": True}),
        (CELEBA, "--size 32", {"size": 32}),
        (CELEBA, "--allow-bad 0.25", {"allow_bad": 0.25}),
        (CELEBA, "--processes 3", {"processes": 3}),
        (CELEBA, "--overwrite", {"overwrite": True}),
        (CELEBA, "--keep-conflicts", {"keep_conflicts": True}),
        (CELEBA, "--aligned", {"aligned": True}),
        (IMAGENET, "--drop list.txt", {"drop": ["n09835506"]}),
        (IMAGENET, "--follow-links", {"follow_links": True}),
        (UTKFACE, "--follow-links", {"follow_links": True}),
        (FOLDER, "--seed 3", {"seed": 3}),
        (MIT, "--seed 3", {"seed": 3}),
        (MIT, "--overwrite", {"overwrite": True}),
    ],
)
def test_each_option_changes_what_it_names_and_nothing_else(told, line, word, changed):
    Path("list.txt").write_text("n09835506\n")
    usual, given = told(line), told(f"{line} {word}")
    assert {name: value for name, value in given.items() if value != usual[name]} == changed


def test_help_has_examples(call):
    code, output, error = call("prepare", "celeba", "--help")
    assert (code, error) == (0, "") and "python -m debias.data prepare celeba path" in output


def test_an_interruption_says_how_to_go_on(call, monkeypatch, faces, tmp_path):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "prepare", interrupted)
    code, _, error = call("prepare", "utkface", faces, "--out", tmp_path / "out.h5")
    assert code == 130 and "continues" in error


def test_in_a_process_of_its_own_it_needs_no_tensorflow(faces, tmp_path):
    code = "import sys, debias.data.__main__ as m; m.main(sys.argv[1:]); sys.exit('tensorflow' in sys.modules)"
    words = ["prepare", "utkface", faces, "--out", tmp_path / "out.h5"]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "200 images" in done.stdout
    assert len(open_prepared(tmp_path / "out.h5")) == 200


def run(words, **environment):
    """Exit code, stdout and stderr of a command line in the shell."""
    command = f"{sys.executable} -m debias.data {words}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        capture_output=True,
        check=False,
        env=os.environ | environment,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_reader_that_leaves_is_no_error_and_an_ascii_terminal_is_written_to():
    assert run("sources | true")[::2] == (141, "")  # as a command that SIGPIPE ended
    code, output, error = run("sources", PYTHONIOENCODING="ascii")
    assert (code, error) == (0, "") and "K\\xe4rkk\\xe4inen" in output


@pytest.mark.parametrize("words", ["sources", "build --seed x", "build --preset none", "build --seed -1"])
def test_mistakes_for_the_benchmark_are_one_line_too(words, capsys):
    code = parliament.main(words.split())
    output, error = capsys.readouterr()
    assert (code, output) == (2, "") and error.startswith("error: ") and error.count("\n") == 1, error


@pytest.mark.parametrize(
    "words", [("utkface", "/proc/self/task"), ("imagenet", "/proc/self/fdinfo"), ("folder", "/proc")]
)
def test_folders_that_are_no_data_sets_are_one_line(call, words, tmp_path):
    code, output, error = call("prepare", *words, "--out", tmp_path / "a.h5")
    assert code == 2 and error.splitlines()[-1].startswith("error: ") and not list(tmp_path.glob("*.h5"))


@pytest.mark.parametrize("out", ["/proc/a.h5", "x" * 300])
@pytest.mark.parametrize("root", ["faces", "x" * 300, "a\0b"])
def test_names_that_cannot_be(call, faces, out, root):
    root = faces if root == "faces" else root
    code, _, error = call("prepare", "utkface", root, "--out", out, "--size", 16)
    assert code == 2 and error.splitlines()[-1].startswith("error: ")
