"""Killed at any moment: the process kills itself at its n-th file operation, for every n there is."""

import subprocess
import sys
from pathlib import Path

from rnn_goldens.generator.folder import recover, replace_files
from rnn_goldens.validation import files_in

OLD = {"index.json": b"old index", "a/one.h5": b"old one", "a/two.json": b"old two", "b/three.h5": b"kept"}
NEW = {"index.json": b"new index", "a/one.h5": b"new one", "a/two.json": b"new two"}

KILLED_AT = """
import os, signal, sys
from pathlib import Path
from rnn_goldens.generator.folder import replace_files

folder, at = Path(sys.argv[1]), int(sys.argv[2])
operations = 0

def count(event, arguments):
    global operations
    touches = any(isinstance(a, (str, bytes, os.PathLike)) and str(folder.parent) in os.fsdecode(a) for a in arguments)
    if event in {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.listdir", "os.scandir", "shutil.rmtree",
                 "os.chmod", "os.utime", "shutil.copyfile"} and touches:
        operations += 1
        if operations == at:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
replace_files(folder, NEW)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_process_killed_at_any_file_operation_leaves_the_old_files_or_the_new_ones(tmp_path: Path) -> None:
    program = KILLED_AT.replace("NEW", repr(NEW))
    seen, at, killed = set(), 0, True
    while killed:
        at += 1
        folder = tmp_path / str(at) / "v1"
        replace_files(folder, OLD)
        killed = subprocess.run([sys.executable, "-c", program, str(folder), str(at)], check=False).returncode != 0
        visible = {path.relative_to(folder.parent).parts[0] for path in files_in(folder.parent)}
        assert visible <= {"v1"}
        before_recovery = folder.exists()
        recover(folder)
        assert contents(folder) in (OLD, OLD | NEW)
        assert [p.name for p in folder.parent.iterdir()] == ["v1"]
        seen.add((before_recovery, contents(folder) == OLD))
    assert at > 10
    assert seen == {(True, True), (False, True), (True, False)}
