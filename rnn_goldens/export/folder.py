"""Writes exported goldens into a folder: all or none, and existing files are replaced only on request."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from rnn_goldens.atomic_write import make_folder, placing, remove_leftovers
from rnn_goldens.errors import WrongUse
from rnn_goldens.export.exported_golden import ITSELF, Exported

_MAX_LISTED = 5

NEW, UNCHANGED, REPLACED = "new", "unchanged", "replaced"


def write(folder: Path, goldens: Sequence[Exported], *, replace: bool = False) -> list[str]:
    """Write goldens into a folder, which is created if needed. After an error the folder is unchanged.

    A process that is killed while files are moved into place may leave some goldens new and some old, each complete.
    With ``replace``, existing goldens that have other content are replaced, a folder as a whole; without it, and for
    two goldens of the same path, WrongUse is raised. The ``filename`` of an OSError is ``folder``.

    Returns:
        For each golden ``new``, ``unchanged`` or ``replaced``.
    """
    ids: dict[str, str] = {}
    for golden in goldens:
        if (other := ids.setdefault(golden.place, golden.golden_id)) != golden.golden_id:
            both = f"{other} and {golden.golden_id} would both be {golden.place}"
            raise WrongUse(f"{both}: write them into different folders")
    try:
        states = [_state(folder / golden.place, golden.files) for golden in goldens]
        replaced = [golden.place for golden, state in zip(goldens, states, strict=True) if state == REPLACED]
        if replaced and not replace:
            listed = ", ".join(replaced[:_MAX_LISTED])
            more = f" and {len(replaced) - _MAX_LISTED} more" if len(replaced) > _MAX_LISTED else ""
            raise WrongUse(
                f"{folder} already has other content in {listed}{more}: name another folder, or replace "
                f"{'it' if len(replaced) == 1 else f'these {len(replaced)}'} as a whole with --replace"
            )
        _write(folder, [g for g, state in zip(goldens, states, strict=True) if state != UNCHANGED])
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
    return states


def _state(place: Path, files: Mapping[str, bytes]) -> str:
    if not place.exists():
        return NEW
    if place.is_file():
        present = {ITSELF: place.read_bytes()}
    else:
        present = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    return UNCHANGED if present == files else REPLACED


def _write(folder: Path, goldens: Sequence[Exported]) -> None:
    if folder.is_dir():
        remove_leftovers(folder)
    if not goldens:
        return
    with ExitStack() as undo:
        make_folder(folder, undo)
        with placing() as staged:
            for golden in goldens:
                place = staged.new(folder, golden.place)
                for name, content in golden.files.items():
                    path = place / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
        undo.pop_all()
