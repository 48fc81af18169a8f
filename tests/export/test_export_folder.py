"""Export writes all goldens or none, and replaces existing files only on request."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from factories.killed_process import killed

from rnn_goldens.errors import WrongUse
from rnn_goldens.export.exported_golden import Exported, write

ONE = Exported("a/one", "a/one.npz", {"": b"one"})
TWO = Exported("b/two", "b/two.npz", {"": b"two"})
CASE = Exported("c/case", "test_c_case", {"model.onnx": b"model", "test_data_set_0/input_0.pb": b"x"})
ALL = (ONE, TWO, CASE)


def changed(golden: Exported) -> Exported:
    return Exported(golden.golden_id, golden.place, {name: b"new " + content for name, content in golden.files.items()})


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return the content of each file by its path, hidden files included; None for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


WRITTEN = {
    **dict.fromkeys(("a", "b", "test_c_case", "test_c_case/test_data_set_0")),
    "a/one.npz": b"one",
    "b/two.npz": b"two",
    **{f"test_c_case/{name}": content for name, content in CASE.files.items()},
}


def test_unchanged_goldens_and_other_files_are_not_touched(tmp_path: Path) -> None:
    assert write(tmp_path / "some/where", ALL) == ["new"] * 3
    assert contents(tmp_path / "some/where") == WRITTEN
    there = tmp_path / "there"
    write(there, [ONE])
    (there / "README").write_bytes(b"theirs")
    before = (there / "a/one.npz").stat().st_mtime_ns, (there / "a/one.npz").stat().st_ino
    assert write(there, ALL) == ["unchanged", "new", "new"]
    assert ((there / "a/one.npz").stat().st_mtime_ns, (there / "a/one.npz").stat().st_ino) == before
    assert contents(there) == WRITTEN | {"README": b"theirs"}


def test_other_content_is_replaced_only_on_request(tmp_path: Path) -> None:
    write(tmp_path, ALL)
    with pytest.raises(WrongUse, match=r"other content in a/one.npz, test_c_case: .* replace these 2 as a whole with"):
        write(tmp_path, [changed(ONE), TWO, changed(CASE)])
    assert contents(tmp_path) == WRITTEN
    assert write(tmp_path, [changed(ONE), TWO, changed(CASE)], replace=True) == ["replaced", "unchanged", "replaced"]
    assert contents(tmp_path)["a/one.npz"] == b"new one"


def test_a_folder_is_replaced_with_all_its_files(tmp_path: Path) -> None:
    write(tmp_path, [CASE])
    stale = tmp_path / "test_c_case/test_data_set_0/input_1.pb"
    stale.write_bytes(b"of before")
    with pytest.raises(WrongUse, match="already has other content in test_c_case: "):
        write(tmp_path, [CASE])
    assert write(tmp_path, [CASE], replace=True) == ["replaced"]
    assert not stale.exists()


def test_a_write_error_leaves_everything_unchanged(tmp_path: Path) -> None:
    bad = Exported("z/bad", "x" * 300, {"": b"no file system takes this name"})
    write(tmp_path / "there", ALL)
    for folder in ("there", "new/one"):
        with pytest.raises(OSError, match="File name too long") as raised:
            write(tmp_path / folder, [*map(changed, ALL), bad], replace=True)
        assert raised.value.filename == str(tmp_path / folder)
    assert contents(tmp_path / "there") == WRITTEN
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_golden_that_cannot_be_moved_into_place_undoes_the_others(tmp_path: Path) -> None:
    write(tmp_path, [ONE])
    (tmp_path / "b").write_bytes(b"a file where a folder is to be")
    before = contents(tmp_path)
    with pytest.raises(OSError, match="Not a directory"):
        write(tmp_path, [changed(ONE), CASE, TWO], replace=True)
    assert contents(tmp_path) == before


def test_a_folder_that_cannot_be_created_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder, reason in ((tmp_path / "file/below", "Not a directory"), (Path("/proc/goldens"), "No such file")):
        with pytest.raises(OSError, match=reason) as raised:
            write(folder, ALL)
        assert raised.value.filename == str(folder)


FORBIDDEN = """
import os, sys
from pathlib import Path
from rnn_goldens.export.exported_golden import Exported
from rnn_goldens.export.exported_golden import write

folder = Path(sys.argv[1])
if os.geteuid() == 0:
    os.seteuid(65534)  # root may write everywhere
try:
    write(folder, [Exported("a/one", "a/one.npz", {"": b"one"})])
except PermissionError as error:
    print(error.filename, error.strerror)
"""


def test_a_folder_without_write_permission_is_one_error() -> None:
    with TemporaryDirectory() as folder:  # its parents are accessible to every user
        Path(folder).chmod(0o555)
        command = [sys.executable, "-c", FORBIDDEN, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == f"{folder} Permission denied\n"
        assert list(Path(folder).iterdir()) == []


def test_two_goldens_with_one_path_are_an_error_before_writing(tmp_path: Path) -> None:
    other = Exported("a-b/c", "a_b_c.h", {"": b"one"})
    with pytest.raises(WrongUse, match=r"a-b/c and a/b-c would both be a_b_c\.h: write them into different folders"):
        write(tmp_path / "out", [other, Exported("a/b-c", "a_b_c.h", {"": b"two"})])
    assert not (tmp_path / "out").exists()


WORK = """
from rnn_goldens.export.exported_golden import Exported
from rnn_goldens.export.exported_golden import write

def work(folder):
    new = [Exported("a/one", "a/one.npz", {"": b"new one"}), Exported("b/two", "b/two.npz", {"": b"new two"})]
    write(folder, new, replace=True)
"""

OPERATIONS = frozenset(("open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.scandir", "shutil.rmtree"))


def test_a_process_killed_at_any_file_operation_leaves_complete_files(tmp_path: Path) -> None:
    at, is_killed, contents_found = 0, True, set()
    with killed(WORK, OPERATIONS) as writing:
        while is_killed:
            at += 1
            folder = tmp_path / str(at)
            write(folder, [ONE, TWO])
            is_killed = writing.is_at(at, folder)
            visible = {path: content for path, content in contents(folder).items() if not path.startswith(".")}
            assert visible.keys() <= {"a", "a/one.npz", "b", "b/two.npz"}
            for name, old in (("a/one.npz", b"one"), ("b/two.npz", b"two")):
                assert visible.get(name) in (old, b"new " + old)
                contents_found.add(visible.get(name))
            write(folder, [changed(ONE), changed(TWO)], replace=True)
            assert contents(folder) == {"a": None, "a/one.npz": b"new one", "b": None, "b/two.npz": b"new two"}
    assert at > 10
    assert contents_found == {b"one", b"two", b"new one", b"new two"}
