"""What stands under a name such as ``package.module:thing``."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from rnn_goldens.errors import WrongUse


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
                f"{what}: no module {error.name!r}, looked in {Path.cwd()} and the installed packages"
            ) from None
        raise WrongUse(f"{what}: importing {module_name} failed: {error}") from error
    except OSError as error:  # which main would take for its own
        raise WrongUse(f"{what}: importing {module_name} failed: {error}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise WrongUse(f"{what}: {module_name} has no {attribute!r}")
        found = getattr(found, part)
    return found
