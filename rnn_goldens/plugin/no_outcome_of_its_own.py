"""What an implementation calls of pytest's: a skip is a refusal, an xfail or an exit a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import SkipTest

import pytest

from rnn_goldens.errors import Unsupported
from rnn_goldens.judging.verdict import GoldenMismatch, Verdict


class ImplementationFailed(Exception):
    """An implementation that neither returned outputs nor raised an error of its own."""

    __module__ = "rnn_goldens"


@contextmanager
def no_outcome_of_its_own() -> Iterator[None]:
    """Around what is an implementation's: its call, and the reading of its outputs.

    Raises:
        Unsupported: it skipped.
        ImplementationFailed: it called ``pytest.xfail``, ``pytest.fail``, ``pytest.exit`` or ``sys.exit``.
    """
    __tracebackhide__ = True
    try:
        yield
    except (pytest.skip.Exception, SkipTest) as reason:
        raise Unsupported(str(reason) or "skipped, and no reason given") from None
    except (pytest.xfail.Exception, pytest.exit.Exception, pytest.fail.Exception) as error:
        what = {pytest.xfail.Exception: "xfail", pytest.exit.Exception: "exit"}.get(type(error), "fail")
        raise ImplementationFailed(f"the implementation called pytest.{what}({str(error)!r})") from None
    except SystemExit as error:
        raise ImplementationFailed(f"the implementation called sys.exit({error.code!r})") from None


@contextmanager
def with_a_text() -> Iterator[None]:
    """Around a test: pytest breaks off a run where it asks an error for its text, and that raises what ends programs.

    Raises:
        ImplementationFailed: in place of such an error.
    """
    __tracebackhide__ = True
    try:
        yield
    except BaseException as error:
        if isinstance(error, GoldenMismatch) and not isinstance(getattr(error, "verdict", None), Verdict):
            raise ImplementationFailed(f"raised a {type(error).__name__} of no comparison") from None
        try:
            str(error), repr(error)
        except BaseException as why:
            said = f"raised {type(error).__name__}, whose text can not be had: {type(why).__name__}"
            raise ImplementationFailed(said) from None
        raise
