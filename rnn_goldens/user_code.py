"""Imports objects by names such as ``package.module:thing``, and formats errors of user code."""

import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException, extract_tb
from typing import Any

from rnn_goldens.errors import WrongUse

_PACKAGE = __name__.partition(".")[0]
_INSTALLED = ("site-packages", "dist-packages")


def import_object(name: str, what: str) -> Any:  # noqa: ANN401 - any object
    """Import ``package.module:thing``, or a dotted thing. The working directory is importable, as with ``python -m``.

    Raises WrongUse, which begins with ``what``, if the module is not found, cannot be read, or has no such attribute.
    Other errors of the module are not caught.
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
    except OSError as error:  # the command line reports other OSErrors as its own
        raise WrongUse(f"{what}: importing {module_name} failed: {error}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise WrongUse(f"{what}: {module_name} has no {attribute!r}")
        found = getattr(found, part)
    return found


def error_text(error: BaseException) -> str:
    """Format an error of user code with its traceback, without frames of this package and of other packages."""
    return "".join(_without_package_frames(TracebackException.from_exception(error)).format()).rstrip()


def user_frames(error: BaseException) -> list[FrameSummary]:
    """Return the frames of an error that are in the user's files, the innermost last."""
    return [frame for frame in extract_tb(error.__traceback__) if is_user_file(frame.filename)]


def _without_package_frames(error: TracebackException) -> TracebackException:
    """Remove the frames of packages from an error, its cause and its context."""
    error.stack = StackSummary.from_list([frame for frame in error.stack if is_user_file(frame.filename)])
    for previous in (error.__cause__, error.__context__):
        if previous is not None:
            _without_package_frames(previous)
    return error


def is_user_file(name: str) -> bool:
    """Return whether a file is neither of this package, nor of an installed one, nor of the standard library."""
    file = Path(name)
    packages = (module for name, module in list(sys.modules.items()) if name.partition(".")[0] == _PACKAGE)
    ours = (folder for module in packages for folder in getattr(module, "__path__", ()))
    others = (*ours, *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib")))
    return file.is_file() and not set(_INSTALLED) & set(file.parts) and not any(map(file.is_relative_to, others))


def _folders() -> list[str]:
    """Return the folders of ``sys.path`` that contain no installed packages; the working directory is first."""
    added = [folder for folder in sys.path if folder and not _is_installed(folder) and Path(folder).is_dir()]
    return list(dict.fromkeys([str(Path.cwd()), *added]))


def _is_installed(folder: str) -> bool:
    paths = sysconfig.get_paths()
    is_library = any(Path(folder).is_relative_to(paths[name]) for name in ("stdlib", "platstdlib"))
    return is_library or folder == paths["scripts"] or Path(folder).name in _INSTALLED
