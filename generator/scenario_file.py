"""Reads a user's file of scenarios: Python that declares ``SCENARIOS`` and ``VERSION``."""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from traceback import FrameSummary
from types import ModuleType

from rnn_goldens.errors import RnnGoldensError, WrongUse
from rnn_goldens.generator.index import CorpusIdentity
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.scenarios import OURS
from rnn_goldens.user_code import error_text, user_frames

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_NAME = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")

_RAN = "__rnn_goldens_scenarios__"
"""The attribute of modules that were run as a file of scenarios; another file of the same name may replace them."""


@dataclass(frozen=True)
class ScenarioFile:
    """The declarations of a file."""

    identity: CorpusIdentity  # the name of the corpus, ``CORPUS`` or the name of the file, and its ``VERSION``
    scenarios: tuple[DeclaredInputs, ...]  # ``SCENARIOS`` in order


def read_scenarios(path: Path) -> ScenarioFile:
    """Run a file of scenarios and return its declarations. Modules in its folder can be imported.

    Raises:
        WrongUse: the file does not exist, raises an error, or lacks a declaration.
    """
    module = _run(path)
    missing = [name for name in ("SCENARIOS", "VERSION") if not hasattr(module, name)]
    if missing:
        raise WrongUse(
            f"{path}: does not declare {' or '.join(missing)}; 'rnn-goldens generate --new FILE' writes a template"
        )
    name = getattr(module, "CORPUS", re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise WrongUse(f"{path}: CORPUS {name!r} must be lower-case letters and digits, such as 'my-models'")
    if name == OURS.name:
        raise WrongUse(f"{path}: {name} is the built-in corpus; set CORPUS = 'another-name'")
    if not isinstance(module.VERSION, str) or not _VERSION.fullmatch(module.VERSION):
        raise WrongUse(f"{path}: VERSION {module.VERSION!r} is not a version such as '1.0.0'")
    return ScenarioFile(CorpusIdentity(name, module.VERSION), _scenarios(path, module.SCENARIOS))


def _scenarios(path: Path, declared: object) -> tuple[DeclaredInputs, ...]:
    if not isinstance(declared, Iterable) or isinstance(declared, (str, bytes)):
        raise WrongUse(f"{path}: SCENARIOS must be a list of rnn_goldens.Scenario, not {type(declared).__name__}")
    with _user_errors(path):  # a generator runs now
        scenarios = tuple(declared)
    for number, scenario in enumerate(scenarios):
        if not isinstance(scenario, DeclaredInputs):
            raise WrongUse(f"{path}: SCENARIOS[{number}] must be a rnn_goldens.Scenario, not {type(scenario).__name__}")
    if not scenarios:
        raise WrongUse(f"{path}: SCENARIOS is empty")
    return scenarios


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise WrongUse(f"{path}: no such file")
    spec = spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise WrongUse(f"{path}: a file of scenarios must be Python, with a name that ends in .py")
    _require_free(path)
    module = module_from_spec(spec)
    setattr(module, _RAN, True)
    folder = str(path.resolve().parent)
    added = folder not in sys.path
    if added:
        sys.path.insert(0, folder)
    sys.modules[path.stem] = module  # as an import would, so that its objects can be pickled
    try:
        with _user_errors(path):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        if added:
            sys.path.remove(folder)
        raise
    return module


@contextmanager
def _user_errors(path: Path) -> Iterator[None]:
    """Convert errors of a user's file to WrongUse: errors of this package with their line, others with a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except RnnGoldensError as error:
        raise WrongUse(f"{_place(path, user_frames(error))}: {error}") from None
    except BaseException as error:
        raise WrongUse(f"{path} cannot be run:\n{error_text(error)}") from None


def _place(path: Path, frames: list[FrameSummary]) -> str:
    if not frames:
        return str(path)
    where = path if Path(frames[-1].filename) == path.resolve() else frames[-1].filename
    return f"{where}, line {frames[-1].lineno}"


def _require_free(path: Path) -> None:
    """Raise WrongUse if the file would hide another module of the same name."""
    name = path.stem
    if hasattr(sys.modules.get(name), _RAN):
        return
    existing = "standard library" if name in sys.stdlib_module_names else _origin(name)
    if existing and Path(existing).resolve() != path.resolve():
        raise WrongUse(f"{path}: would hide the module {name} ({existing}): rename the file")


def _origin(name: str) -> str | None:
    """Return where the module of this name is, or None."""
    if not name.isidentifier():
        return None
    try:
        spec = find_spec(name)
    except ValueError:  # a module without a spec
        return "already imported"
    return spec.origin if spec else None
