"""What stands under a name such as ``package.module:thing``."""

import sys
import sysconfig
import traceback
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from rnn_goldens.errors import WrongUse

_WAY_IN = ("rnn_goldens", "importlib", "_frozen_importlib", "_frozen_importlib_external")
"""What stands in a traceback before code that was asked for: this package, and the import system."""


def imported(name: str, what: str) -> Any:  # noqa: ANN401 - whatever it is
    """Import it; the working directory is importable, as under ``python -m``.

    Args:
        name: ``package.module:thing``, the thing with dots if it stands in another.
        what: what it is looked for as, which messages begin with.

    Raises:
        WrongUse: the module is not found or can not be read, or has no such thing. Any other error is its own.
    """
    module_name, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if f"{module_name}.".startswith(f"{error.name}."):
            raise WrongUse(
                f"{what}: no module {error.name!r}, looked in {', '.join(_folders())} and the installed packages"
            ) from None
        raise WrongUse(f"{what}: importing {module_name} failed: {error}") from error
    except OSError as error:  # which main would take for its own
        raise WrongUse(f"{what}: importing {module_name} failed: {error}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise WrongUse(f"{what}: {module_name} has no {attribute!r}")
        found = getattr(found, part)
    return found


def raised(error: BaseException) -> str:
    """An error of code that was run or imported, with its traceback from the first line on that is not ours."""
    return "".join(traceback.format_exception(type(error), error, _theirs(error.__traceback__))).rstrip()


def _theirs(found: TracebackType | None) -> TracebackType | None:
    while found is not None and found.tb_frame.f_globals.get("__name__", "").partition(".")[0] in _WAY_IN:
        found = found.tb_next
    return found


def _folders() -> list[str]:
    """Where modules are found that are not installed: the working directory, and what else was made importable."""
    added = [folder for folder in sys.path if folder and not _is_installed(folder) and Path(folder).is_dir()]
    return list(dict.fromkeys([str(Path.cwd()), *added]))


def _is_installed(folder: str) -> bool:
    paths = sysconfig.get_paths()
    is_library = any(Path(folder).is_relative_to(paths[name]) for name in ("stdlib", "platstdlib"))
    return is_library or folder == paths["scripts"] or Path(folder).name in ("site-packages", "dist-packages")
