"""What a benchmark declares, and what it returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple

PROCESSES = 2
"""Number of processes of a benchmark that is not a timing."""


class Measured(NamedTuple):
    """What a benchmark found.

    Attributes:
        text: the section of its page, without the line that says how it was measured.
        wrong: one line for each thing that must not be; the section is not written if there is any.
        versions: the versions that ran, if not those of this process.
    """

    text: str
    wrong: Sequence[str] = ()
    versions: str = ""


@dataclass(frozen=True)
class Option:
    """An option of a benchmark: the argument ``name`` of its function.

    The type is that of the default: a bool is a flag, a tuple takes several values, and ``()`` is positional.
    """

    name: str
    default: Any
    help: str


@dataclass(frozen=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: its name on the command line, and in the marks of its section.
        what: what it measures, in one line.
        takes: about how long it takes on two cores.
        function: ``module:function``; the function takes the options and returns ``Measured``.
        page: the page in docs/results that has its section; "" if there is none.
        packages: the packages whose versions the section states.
        options: its options.
        environment: variables that must be set before anything is imported.
        writes: whether the function writes files itself; then it takes ``write``.
    """

    name: str
    what: str
    takes: str
    function: str
    page: str = ""
    packages: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    writes: bool = False

    def run(self, **options: object) -> Measured:
        """Run it in this process."""
        module, _, name = self.function.partition(":")
        function: Callable[..., Measured] = getattr(import_module(module), name)
        return function(**options)
