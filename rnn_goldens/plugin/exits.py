"""``os._exit(0)`` while goldens are asked: the process ends, as it is told, but not as if all had gone well."""

import contextlib
import os
from os import getpid
from typing import NoReturn

_leave = os._exit


class WatchedExit:
    """In place of ``os._exit`` in a process that runs tests of goldens.

    Only what is called from Python by this name can be watched: ``os.execv``, or a library that calls C's ``exit(0)``,
    ends a run as if it were good. ``rnn-goldens check`` sees that too, and so does whoever looks at the results file.

    Attributes:
        status: the exit code of the session, or None while it goes on.
    """

    def __init__(self) -> None:
        """Watch this process."""
        self._process = getpid()
        self.status: int | None = None

    def begin(self) -> None:
        """Stand in its place, unless another session of this process does, which goes on after this one."""
        if not isinstance(os._exit, WatchedExit):
            os._exit = self

    def end(self, status: int) -> None:
        """The session has ended: what comes now, a process that exits with 0 does not make good."""
        self.status = status

    def __call__(self, status: int) -> NoReturn:
        """Exit; with 0 only after a good session, or in another process, such as a child of multiprocessing."""
        if status == 0 and getpid() == self._process and self.status != 0:
            if self.status is None:
                with contextlib.suppress(OSError):
                    os.write(2, b"rnn-goldens: os._exit(0) while goldens were asked, which is no pass\n")
            _leave(self.status or 1)
        _leave(status)
