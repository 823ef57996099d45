import hashlib
import subprocess
from pathlib import Path

import pytest

from debias.data import packages
from debias.errors import InputError

CONTENT = b"the file of a package"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def pip(monkeypatch):
    """Stands in for pip: writes `content` as `name` into the folder after --dest; keeps the commands it saw."""

    class Pip:
        name, content, returncode, commands = "thing-1.tar.gz", CONTENT, 0, []

        def run(self, command, **options):
            self.commands.append(command)
            if not self.returncode:
                (Path(command[command.index("--dest") + 1]) / self.name).write_bytes(self.content)
            return subprocess.CompletedProcess(command, self.returncode, "", "notice\nERROR: no network\n")

    pip = Pip()
    pip.commands = []
    monkeypatch.setattr(packages.subprocess, "run", pip.run)
    return pip


def fetch(cache: Path) -> Path:
    return packages.fetch("thing==1", "thing-1.tar.gz", SHA256, cache, ("--no-binary", "thing"))


def files_below(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_downloaded_once(tmp_path, pip):
    assert fetch(tmp_path).read_bytes() == CONTENT
    assert fetch(tmp_path) == tmp_path / "downloads" / "thing-1.tar.gz"
    assert len(pip.commands) == 1
    assert pip.commands[0][-1] == "thing==1"
    assert {"--no-deps", "--no-binary"} < set(pip.commands[0])


def test_a_damaged_file_is_downloaded_again(tmp_path, pip):
    fetch(tmp_path).write_bytes(CONTENT[:5])
    assert fetch(tmp_path).read_bytes() == CONTENT
    assert len(pip.commands) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"returncode": 1}, "could not download thing==1 \\(ERROR: no network\\)"),
        ({"content": b"something else"}, "has SHA-256 .* expected"),
        ({"name": "thing-2.tar.gz"}, "under another name than thing-1.tar.gz"),
    ],
)
def test_a_failed_download_is_one_line_and_leaves_nothing(tmp_path, pip, change, message):
    for name, value in change.items():
        setattr(pip, name, value)
    with pytest.raises(InputError, match=message) as caught:
        fetch(tmp_path)
    assert "\n" not in str(caught.value)
    assert files_below(tmp_path) == []
