"""What stands under a name such as ``package.module:thing``."""

import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException, extract_tb
from typing import Any

from rnn_goldens.errors import WrongUse

_PACKAGE = __name__.partition(".")[0]
_INSTALLED = ("site-packages", "dist-packages")


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
    """An error of code that was run or imported, with the lines of its traceback that are of neither us nor others."""
    return "".join(_only_own(TracebackException.from_exception(error)).format()).rstrip()


def own_frames(error: BaseException) -> list[FrameSummary]:
    """Where in files of who uses this package an error came from, the innermost last."""
    return [frame for frame in extract_tb(error.__traceback__) if _is_own(frame)]


def _only_own(raised: TracebackException) -> TracebackException:
    """The same, and what it came of, without the frames of others."""
    raised.stack = StackSummary.from_list([frame for frame in raised.stack if _is_own(frame)])
    for before in (raised.__cause__, raised.__context__):
        if before is not None:
            _only_own(before)
    return raised


def _is_own(frame: FrameSummary) -> bool:
    file = Path(frame.filename)
    packages = (module for name, module in sys.modules.items() if name.partition(".")[0] == _PACKAGE)
    ours = (folder for module in packages for folder in getattr(module, "__path__", ()))
    others = (*ours, sysconfig.get_path("stdlib"))
    return file.is_file() and not set(_INSTALLED) & set(file.parts) and not any(map(file.is_relative_to, others))


def _folders() -> list[str]:
    """Where modules are found that are not installed: the working directory, and what else was made importable."""
    added = [folder for folder in sys.path if folder and not _is_installed(folder) and Path(folder).is_dir()]
    return list(dict.fromkeys([str(Path.cwd()), *added]))


def _is_installed(folder: str) -> bool:
    paths = sysconfig.get_paths()
    is_library = any(Path(folder).is_relative_to(paths[name]) for name in ("stdlib", "platstdlib"))
    return is_library or folder == paths["scripts"] or Path(folder).name in _INSTALLED
