"""What an implementation calls of pytest's: a skip is a refusal, an xfail or an exit a failure."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import SkipTest

import pytest

from rnn_goldens.errors import Unsupported


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
