"""Written are all goldens or none, and nothing that is there is lost unasked."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from killed_at import killed

from rnn_goldens.errors import WrongUse
from rnn_goldens.export.exported import Exported
from rnn_goldens.export.writing import write

ONE = Exported("a/one", "a/one.npz", {"": b"one"})
TWO = Exported("b/two", "b/two.npz", {"": b"two"})
CASE = Exported("c/case", "test_c_case", {"model.onnx": b"model", "test_data_set_0/input_0.pb": b"x"})
ALL = (ONE, TWO, CASE)


def changed(golden: Exported) -> Exported:
    return Exported(golden.golden_id, golden.place, {name: b"new " + content for name, content in golden.files.items()})


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder there is, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
    }


WRITTEN = {
    "a": None,
    "a/one.npz": b"one",
    "b": None,
    "b/two.npz": b"two",
    "test_c_case": None,
    "test_c_case/model.onnx": b"model",
    "test_c_case/test_data_set_0": None,
    "test_c_case/test_data_set_0/input_0.pb": b"x",
}


def test_a_folder_that_is_not_there_is_made_with_those_above_it(tmp_path: Path) -> None:
    assert write(tmp_path / "some/where", ALL) == ["new"] * 3
    assert contents(tmp_path / "some/where") == WRITTEN


def test_what_is_there_and_the_same_is_left_and_the_rest_is_written_beside_what_others_put_there(
    tmp_path: Path,
) -> None:
    (tmp_path / "README").write_bytes(b"theirs")
    write(tmp_path, [ONE])
    before = (tmp_path / "a/one.npz").stat()
    assert write(tmp_path, ALL) == ["unchanged", "new", "new"]
    assert (tmp_path / "a/one.npz").stat() == before
    assert contents(tmp_path) == WRITTEN | {"README": b"theirs"}


def test_what_is_there_and_something_else_is_replaced_only_if_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, ALL)
    with pytest.raises(WrongUse, match=r"holds something else as a/one.npz, test_c_case: .* these 2 be replaced with"):
        write(tmp_path, [changed(ONE), TWO, changed(CASE)])
    assert contents(tmp_path) == WRITTEN
    assert write(tmp_path, [changed(ONE), TWO, changed(CASE)], replace=True) == ["replaced", "unchanged", "replaced"]
    assert contents(tmp_path)["a/one.npz"] == b"new one"


def test_a_folder_is_replaced_whole_so_that_no_runner_reads_an_input_of_before(tmp_path: Path) -> None:
    write(tmp_path, [CASE])
    stale = tmp_path / "test_c_case/test_data_set_0/input_1.pb"
    stale.write_bytes(b"of before")
    with pytest.raises(WrongUse, match="holds something else as test_c_case: "):
        write(tmp_path, [CASE])
    assert write(tmp_path, [CASE], replace=True) == ["replaced"]
    assert not stale.exists()


def test_a_disk_that_fails_while_it_is_written_leaves_everything_as_it_was(tmp_path: Path) -> None:
    bad = Exported("z/bad", "x" * 300, {"": b"no file system takes this name"})
    write(tmp_path / "there", ALL)
    for folder in ("there", "new/one"):
        with pytest.raises(OSError, match="File name too long") as raised:
            write(tmp_path / folder, [*map(changed, ALL), bad], replace=True)
        assert raised.value.filename == str(tmp_path / folder)
    assert contents(tmp_path / "there") == WRITTEN
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_golden_that_can_not_take_its_place_takes_back_those_that_have(tmp_path: Path) -> None:
    write(tmp_path, [ONE])
    (tmp_path / "b").write_bytes(b"a file where a folder is to be")
    before = contents(tmp_path)
    with pytest.raises(OSError, match="Not a directory"):
        write(tmp_path, [changed(ONE), CASE, TWO], replace=True)
    assert contents(tmp_path) == before


def test_a_folder_below_a_file_or_where_nothing_can_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder, why in ((tmp_path / "file/below", "Not a directory"), (Path("/proc/goldens"), "No such file")):
        with pytest.raises(OSError, match=why) as raised:
            write(folder, ALL)
        assert raised.value.filename == str(folder)


FORBIDDEN = """
import os, sys
from pathlib import Path
from rnn_goldens.export.exported import Exported
from rnn_goldens.export.writing import write

folder = Path(sys.argv[1])
if os.geteuid() == 0:
    os.seteuid(65534)  # root may write everywhere
try:
    write(folder, [Exported("a/one", "a/one.npz", {"": b"one"})])
except PermissionError as error:
    print(error.filename, error.strerror)
"""


def test_a_folder_that_may_not_be_written_is_one_error() -> None:
    with TemporaryDirectory() as folder:  # whose parents anybody may enter
        Path(folder).chmod(0o555)
        command = [sys.executable, "-c", FORBIDDEN, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == f"{folder} Permission denied\n"
        assert list(Path(folder).iterdir()) == []


def test_two_goldens_of_one_name_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    other = Exported("a-b/c", "a_b_c.h", {"": b"one"})
    with pytest.raises(WrongUse, match=r"a-b/c and a/b-c would both be a_b_c\.h: write them into two folders"):
        write(tmp_path / "out", [other, Exported("a/b-c", "a_b_c.h", {"": b"two"})])
    assert not (tmp_path / "out").exists()


WORK = """
from rnn_goldens.export.exported import Exported
from rnn_goldens.export.writing import write

def work(folder):
    new = [Exported("a/one", "a/one.npz", {"": b"new one"}), Exported("b/two", "b/two.npz", {"": b"new two"})]
    write(folder, new, replace=True)
"""

OPERATIONS = frozenset(("open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.scandir", "shutil.rmtree"))


def test_a_process_killed_at_any_file_operation_leaves_whole_files(tmp_path: Path) -> None:
    at, is_killed, seen = 0, True, set()
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
                seen.add(visible.get(name))
            write(folder, [changed(ONE), changed(TWO)], replace=True)
            assert contents(folder) == {"a": None, "a/one.npz": b"new one", "b": None, "b/two.npz": b"new two"}
    assert at > 10
    assert seen == {b"one", b"two", b"new one", b"new two"}
