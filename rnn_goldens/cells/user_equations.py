"""Equations of a user: functions named ``package.module:function``. A golden file alone must not cause their import."""

import traceback
from collections.abc import Callable, Iterable
from typing import Any

from rnn_goldens.errors import WrongUse
from rnn_goldens.user_code import error_text, import_object

_ALLOWED: set[str] = set()


def name_cells(names: Iterable[str]) -> None:
    """Allow the import of these cells and recurrences, which the user named."""
    _ALLOWED.update(names)


def named_cells() -> tuple[str, ...]:
    """Return the cells and recurrences that the user named."""
    return tuple(sorted(_ALLOWED))


def require_named(name: str) -> None:
    """Raise WrongUse if the user did not name a cell that a golden file names: a file must not cause imports."""
    if name not in _ALLOWED:
        raise WrongUse(
            f"cell {name!r}: a golden file cannot cause an import; to use its equations, name the cell: "
            f"--cell={name}, or cell={name!r} in the marker or in select"
        )


def imported(name: str) -> Any:  # noqa: ANN401 - any object
    """Return the object that a name refers to. Raises WrongUse if it cannot be imported."""
    try:
        return import_object(name, f"cell {name!r}")
    except (KeyboardInterrupt, WrongUse):
        raise
    except BaseException as error:  # including SystemExit
        module = name.partition(":")[0]
        raise WrongUse(f"cell {name!r}: {module} cannot be imported:\n{error_text(error)}") from None


def checked(name: str, run: Callable[[], Any]) -> Any:  # noqa: ANN401 - what it returns
    """Run equations and return the result; if they fail, raise WrongUse with the line that failed."""
    try:
        return run()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # including SystemExit
        code = imported(name).__code__
        file, first = code.co_filename, code.co_firstlineno
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        place = f"line {lines[-1]}: {type(error).__name__}: {error}" if lines else f"line {first}: {error}"
        raise WrongUse(f"cell {name!r}: {file}, {place}") from None
