"""The ``rnn_golden`` fixture: a golden that records what the test checks against it.

Process-wide settings that a test of a golden changed are restored, so that they do not affect the next golden. Only
changes by the test function are undone, not changes by fixtures. Nothing is restored if the test imported a user's
module for the first time: settings that an import changes are meant to last, and the module is not imported again.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from traceback import walk_stack
from types import MethodType
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.actual import actual_gradients, actual_outputs, gradients_by_name
from rnn_goldens.comparison.array_conversion import refuse_own_arrays, written_to, wrote_into
from rnn_goldens.comparison.call_patterns import Backward, Run, compare_calls, compare_gradient_calls
from rnn_goldens.comparison.returned import outputs_of
from rnn_goldens.comparison.states import StatesAt, state_differences
from rnn_goldens.comparison.verdict import Verdict, picture, verdict_on
from rnn_goldens.diagnosis.search import CandidateSearch, SearchState, diagnosed
from rnn_goldens.errors import RnnGoldensError, WrongUse
from rnn_goldens.golden.data import InputsData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.larger_golden import having
from rnn_goldens.golden.shapes import OutputNames
from rnn_goldens.golden.stored_arrays import InputArrays
from rnn_goldens.golden_result import UNCHECKED
from rnn_goldens.plugin import settings
from rnn_goldens.plugin.check_log import CheckLog
from rnn_goldens.plugin.implementation import ImplementationFailed, failures_as_errors
from rnn_goldens.plugin.options import without_golden
from rnn_goldens.plugin.run_results import Finding, RunResults, SelectedGolden, run_of
from rnn_goldens.user_code import is_user_file


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GoldenUnderTest(Golden):
    """A golden that records what is checked.

    Attributes:
        check_log: what was checked so far; shared by copies in other precisions. It has a private copy of the golden,
            which comparisons use, so that a test cannot change expected values by accident.
        search: causes found for other failures of the same test function.
        copies: this golden and all its copies in other precisions.
    """

    check_log: CheckLog
    search: CandidateSearch
    copies: list["GoldenUnderTest"] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Register this golden, or the copy that ``in_precision`` creates."""
        self.copies.append(self)

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        """Return itself, which is immutable, so that a check of a copy is recorded."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a plain golden: checks in another process are not recorded."""
        return partial(Golden, **{f.name: getattr(self, f.name) for f in fields(Golden)}), ()

    def in_profile(self, *names: str) -> Self:
        """Raise WrongUse: the marker or option declares the profile, so that every report shows it."""
        raise WrongUse(
            f"{self.id}: declare a profile by --rnn-goldens-profile={','.join(names)} or "
            f"@pytest.mark.rnn_goldens(profile={list(names)})"
        )

    def embedded(self, **sizes: int) -> Self:
        """Raise WrongUse: the marker or option declares larger sizes, so that every report shows them."""
        asked = ",".join(f"{name}={size}" for name, size in sizes.items())
        raise WrongUse(
            f"{self.id}: declare larger sizes by --rnn-goldens-embed={asked} or "
            f"@pytest.mark.rnn_goldens(embed={asked!r})"
        )

    def _reading(self) -> AbstractContextManager[None]:
        return failures_as_errors()

    def check_fails(
        self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None
    ) -> Verdict:
        """Check as ``Golden.check_fails`` does, and record the verdict. The golden then counts as a known failure."""
        __tracebackhide__ = True
        refuse_own_arrays(self, out, h_n, c_n)
        try:
            verdict = self._reference.check_fails(out, h_n, c_n, outputs=outputs)
        except AssertionError as error:
            self.check_log.errors.append(str(error))
            raise
        self.check_log.expected_to_fail.append(verdict)
        return verdict

    def check_calls(self, run: Run, calls: Sequence[str] | str | None = None, *, outputs: OutputNames = None) -> None:
        """Check as ``Golden.check_calls`` does, and record verdicts. The marker or option sets the default calls."""
        __tracebackhide__ = True
        reference, log = self._reference.comparing(outputs), self.check_log
        watched = self._watched(run, lambda found: found)
        again = partial(outputs_of, golden=reference)
        compared = partial(
            self._compared, call_again=lambda: again(watched(self._reference.for_implementation())), outputs=outputs
        )
        patterns = log.selected.calls if calls is None else calls
        log.called.update([patterns] if isinstance(patterns, str) else patterns)
        explain = self.search.of_calls.explained
        for name, verdict in compare_calls(reference, watched, compared, patterns, log.note_refusal, explain):
            log.patterns_run.add(name)
            self._judge(verdict)

    def check_gradient_calls(self, backward: Backward, run: Callable[[Any], Sequence[Any]] | None = None) -> None:
        """Check as ``Golden.check_gradient_calls`` does, and record the verdicts."""
        __tracebackhide__ = True
        watched = self._watched(backward, partial(gradients_by_name, self._reference, named={}))
        compared = partial(self._compared_gradients, run=run)
        self.check_log.called.add("twice")
        for name, verdict in compare_gradient_calls(self._reference, watched, compared):
            self.check_log.patterns_run.add(name)
            self._judge(verdict, GRADIENTS)

    def _watched(self, run: Callable[[Any], Any], read: Callable[[Any], Any]) -> Callable[[InputsData], Any]:
        """Return ``run`` followed by ``read``, which fails if it wrote into its inputs or returned expected arrays."""

        def watched(inputs: InputsData) -> Any:  # noqa: ANN401 - whatever is read
            __tracebackhide__ = True
            before = inputs.stored.copied()
            found = read(run(inputs))
            self._require_untouched(inputs, before)
            refuse_own_arrays(self, found)
            return found

        return watched

    def _judge(self, verdict: Verdict, of: str = OUTPUTS) -> None:
        """Record a verdict; raise ImplementationFailed for inputs that were written to, else GoldenMismatch."""
        __tracebackhide__ = True
        self.check_log.note(self.dtype, verdict, of)
        self._require_untouched(self, self._reference.input_arrays())
        super()._judge(verdict, of)

    def _require_untouched(self, inputs: InputsData, before: InputArrays) -> None:
        """Raise ImplementationFailed if input arrays were written to. Record it, too, because the test may catch it."""
        __tracebackhide__ = True
        if names := written_to(inputs, before):
            message = f"{self.id} in {self.dtype}: the implementation {wrote_into(names)}"
            self.check_log.errors.append(message)
            raise ImplementationFailed(message)

    @property
    def _reference(self) -> Golden:
        """The private copy; with this golden's states after every step if ``certify`` computed them."""
        golden = self.check_log.golden.in_precision(self.dtype)
        return golden if golden.stored_states else replace(golden, stored_states=self.stored_states)

    def _compared(
        self,
        *found: object,
        call_again: Callable[[], Sequence[Any]] | None = None,
        outputs: OutputNames = None,
        states_at: StatesAt = None,
    ) -> Verdict:
        """Compare as ``Golden.compare`` does, but try causes of other failures first, and also pairs of deviations."""
        with self.check_log.comparing():
            actual = actual_outputs(self._reference.comparing(outputs), *found)
            verdict = verdict_on(actual, states=state_differences(self._reference, states_at))
            if self.check_log.run.drawn and not verdict.passed and self.check_log.picture is None:
                self.check_log.picture = picture(actual)
            return diagnosed(actual, verdict, self.search, call_again=call_again)

    def _compared_gradients(
        self, by_name: Mapping[str, Any], meaning: str = "", run: Callable[[Any], Sequence[Any]] | None = None
    ) -> Verdict:
        """Compare as ``Golden`` does, but try the causes of other failures first."""
        with self.check_log.comparing():
            actual = actual_gradients(self._reference, by_name)
            verdict = verdict_on(actual, meaning)
            if verdict.passed:
                return verdict
            outputs = run and self._reference._outputs_of(run, self._compared)
            self.check_log.outputs_wrong |= outputs is not None and not outputs.passed
            right = (self.id, self.dtype) in self.check_log.run.outputs_right
            return diagnosed(actual, verdict, self.search, meaning=meaning, outputs=outputs, outputs_right=right)

    def expected_arrays(self) -> dict[str, list[NDArray[Any]]]:
        """Return the expected arrays of all copies."""
        found: dict[str, list[NDArray[Any]]] = {}
        for copy in self.copies:
            for name, arrays in Golden.expected_arrays(copy).items():
                found.setdefault(name, []).extend(arrays)
        return found


CHECK_LOG = pytest.StashKey[CheckLog]()


def golden_under_test(request: pytest.FixtureRequest) -> Golden:
    """Load the golden that a test was parametrized with."""
    selected = getattr(request, "param", None)
    if not isinstance(selected, SelectedGolden):
        pytest.fail(
            "rnn_golden must be an argument of the test or fixture: request.getfixturevalue is too late",
            pytrace=False,
        )
    try:
        corpora = settings.corpora_of(request.config, selected.corpus)
        golden = corpora.load(selected.id, selected.dtype, gradients=selected.gradients)
        golden = golden.comparing(selected.outputs or None).in_profile(*selected.profile.parts)
    except RnnGoldensError as error:
        pytest.fail(f"rnn-goldens: {error}", pytrace=False)
    if selected.sizes:
        golden = golden.embedded(**having(golden, selected.sizes))  # Unsupported, which it raises, is a refusal
    run, threads = run_of(request.config), frozenset(sys._current_frames())
    check_log = request.node.stash[CHECK_LOG] = CheckLog(golden.copied(), selected, run, threads)
    spent = next((search.spent for search in run.searches.values()), SearchState())
    test = without_golden(request.node.nodeid, selected.id, selected.dtype)
    search = run.searches.setdefault(test, CandidateSearch(test, spent))
    values = {f.name: getattr(golden, f.name) for f in fields(golden)}
    return GoldenUnderTest(**values, check_log=check_log, search=search)


def held_by_threads(run: RunResults) -> Iterator[Finding]:
    """Yield a finding for each golden of a run that a running thread of its test may still check."""
    logs = dict[CheckLog, None]()
    for thread, top in sys._current_frames().items():
        values = [value for frame, _ in walk_stack(top) for value in list(frame.f_locals.values())]
        parts = [part for value in values for part in (value if isinstance(value, tuple | list) else [value])]
        held = [part.__self__ if isinstance(part, MethodType) else part for part in parts]
        of_thread = [golden.check_log for golden in held if isinstance(golden, GoldenUnderTest)]
        logs |= dict.fromkeys(log for log in of_thread if log.run is run and thread not in log.threads)
    for log in logs:
        yield log.finding("a thread of its test still runs and may check it; join the thread in the test", UNCHECKED)


@contextmanager
def checked(item: pytest.Item) -> Iterator[None]:
    """Fail a test that received a golden and returned without checking it, or that continued after a failure."""
    __tracebackhide__ = True
    yield
    check_log = item.stash.get(CHECK_LOG, None)
    if check_log is None:
        return
    if (error := check_log.swallowed) is not None:
        check_log.went_on = True
        raise error
    if check_log.refused or check_log.wrong or not (missing := check_log.missing()):
        return  # nothing is missing, or a subtest has reported the refusal or the mismatch
    check_log.unchecked = True
    pytest.fail(f"{check_log.golden.id}: {missing}", pytrace=False)


_SMALLEST, _ONE = 5e-324, 1.0


@contextmanager
def restored() -> Iterator[None]:
    """Return a context manager that restores settings, also after an exception."""
    modules, restorers = len(sys.modules), list(_restorers())
    try:
        yield
    finally:
        packages = {name.partition(".")[0] for name in list(sys.modules)[modules:]} - {"__mp_main__"}
        files = (getattr(sys.modules.get(package), "__file__", None) for package in packages)
        if not any(isinstance(file, str) and is_user_file(file) for file in files):
            for restore in restorers:
                with suppress(Exception):  # a deleted folder, for example: the test's own error counts
                    restore()


def _restorers() -> Iterator[Callable[[], object]]:
    """Yield functions that restore the present values of settings."""
    with suppress(OSError):  # the folder is gone
        yield partial(os.chdir, Path.cwd())
    yield partial(np.seterr, **np.geterr())
    yield partial(np.seterrcall, np.geterrcall())
    yield partial(random.setstate, random.getstate())
    yield partial(np.random.set_state, np.random.get_state(legacy=False))
    yield partial(_restore_torch, _torch_settings(), has_subnormal_numbers=_SMALLEST * _ONE > 0)


def _torch_settings() -> tuple[Any, ...] | None:
    """Return default dtype, default device, grad mode and random state; None if torch is not imported."""
    if (torch := sys.modules.get("torch")) is None:
        return None
    try:
        device = torch.empty(0).device  # takes a tenth of the time that torch.get_default_device() takes
        return torch.get_default_dtype(), device, torch.is_grad_enabled(), torch.get_rng_state()
    except AttributeError:  # it is still being imported
        return None


def _restore_torch(before: tuple[Any, ...] | None, *, has_subnormal_numbers: bool) -> None:
    """Restore torch's settings; if the test imported torch, to those right after the import."""
    if (torch := sys.modules.get("torch")) is None:
        return
    dtype, device, grad, numbers = before or (torch.float32, torch.device("cpu"), True, None)
    torch.set_default_dtype(dtype)
    torch.set_grad_enabled(grad)
    torch.set_flush_denormal(not has_subnormal_numbers)
    if torch.empty(0).device != device:
        torch.set_default_device(None if device.type == "cpu" else device)
    if numbers is not None:
        torch.set_rng_state(numbers)
