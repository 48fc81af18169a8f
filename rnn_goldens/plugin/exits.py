"""``os._exit(0)`` while goldens are asked: the process ends, as it is told, but not as if all had gone well."""

import contextlib
import os
from typing import NoReturn

_leave = os._exit


class WatchedExit:
    """In place of ``os._exit`` in a process that runs tests of goldens, until its session ends.

    Only what is called from Python can be watched: a library that calls C's ``exit(0)`` ends a run as if it were good.
    ``rnn-goldens check`` sees that too, and so does whoever looks at the results file.
    """

    def __init__(self) -> None:
        """Watch this process."""
        self._pid = os.getpid()

    def begin(self) -> None:
        """Stand in its place."""
        os._exit = self

    def end(self) -> None:
        """Leave it."""
        os._exit = _leave

    def __call__(self, status: int) -> NoReturn:
        """Exit; with 0 only in another process than that of the tests, such as a child of multiprocessing."""
        if status == 0 and os.getpid() == self._pid:
            with contextlib.suppress(OSError):
                os.write(2, b"rnn-goldens: os._exit(0) while goldens were asked, which is no pass\n")
            _leave(1)
        _leave(status)
