"""A file of scenarios of one's own: Python that declares ``SCENARIOS`` and a ``VERSION``."""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from rnn_goldens.errors import WrongUse
from rnn_goldens.generator.index import Whose
from rnn_goldens.generator.own_traceback import told_of
from rnn_goldens.generator.scenario import Scenario
from rnn_goldens.generator.scenarios import OURS

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")

_RAN = "__rnn_goldens_scenarios__"
"""What a module has that was run as a file of scenarios: another file of that name may follow."""


@dataclass(frozen=True)
class Declared:
    """What a file declares.

    Attributes:
        whose: the name of the corpus, ``CORPUS`` or the file's own name, and its ``VERSION``.
        scenarios: ``SCENARIOS``, in their order.
    """

    whose: Whose
    scenarios: tuple[Scenario, ...]


def read_scenarios(path: Path) -> Declared:
    """Run a file of scenarios, in whose folder modules are found, and take what it declares.

    Raises:
        WrongUse: there is no such file, it raises, or it does not declare what it should; the message says which.
    """
    module = _run(path)
    missing = [name for name in ("SCENARIOS", "VERSION") if not hasattr(module, name)]
    if missing:
        raise WrongUse(
            f"{path}: declares no {' and no '.join(missing)}; 'rnn-goldens generate --new FILE' writes a file "
            "to start from"
        )
    name = getattr(module, "CORPUS", re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise WrongUse(f"{path}: CORPUS {name!r} is no name of small letters and digits, such as 'my-models'")
    if name == OURS.name:
        raise WrongUse(f"{path}: {name} is the corpus that this package carries; say CORPUS = 'another-name'")
    if not isinstance(module.VERSION, str) or not _VERSION.fullmatch(module.VERSION):
        raise WrongUse(f"{path}: VERSION {module.VERSION!r} is no version such as '1.0.0'")
    return Declared(Whose(name, module.VERSION), _scenarios(path, module.SCENARIOS))


def _scenarios(path: Path, declared: object) -> tuple[Scenario, ...]:
    if not isinstance(declared, Iterable) or isinstance(declared, (str, bytes)):
        raise WrongUse(f"{path}: SCENARIOS is no list of rnn_goldens.Scenario, but of type {type(declared).__name__}")
    with told_of(path):  # it may be a generator, which runs now
        scenarios = tuple(declared)
    for number, scenario in enumerate(scenarios):
        if not isinstance(scenario, Scenario):
            raise WrongUse(
                f"{path}: SCENARIOS[{number}] is no rnn_goldens.Scenario, but of type {type(scenario).__name__}"
            )
    if not scenarios:
        raise WrongUse(f"{path}: SCENARIOS is empty")
    return scenarios


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise WrongUse(f"{path}: there is no such file")
    spec = spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise WrongUse(f"{path}: a file of scenarios is Python, and its name ends in .py")
    _require_free(path)
    module = module_from_spec(spec)
    setattr(module, _RAN, True)
    folder = str(path.resolve().parent)
    added = folder not in sys.path
    if added:
        sys.path.insert(0, folder)
    sys.modules[path.stem] = module  # as an import would: what it defines can be named, and sent to other processes
    try:
        with told_of(path):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        if added:
            sys.path.remove(folder)
        raise
    return module


def _require_free(path: Path) -> None:
    """Raise WrongUse where the file would hide another module, which others import by that name."""
    name = path.stem
    if hasattr(sys.modules.get(name), _RAN):
        return
    hidden = "Python's own" if name in sys.stdlib_module_names else _found(name)
    if hidden and Path(hidden).resolve() != path.resolve():
        raise WrongUse(f"{path}: it would hide the module {name} ({hidden}) from who imports it: rename it")


def _found(name: str) -> str | None:
    """Where a module stands that is imported by this name."""
    if not name.isidentifier():
        return None
    try:
        spec = find_spec(name)
    except ValueError:  # a module that was made, not found
        return "already imported"
    return spec.origin if spec else None
