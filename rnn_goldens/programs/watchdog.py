"""No program outlives the process that started it, not even one that was killed and could not clean up."""

import subprocess
import sys

_KILL_AT_THE_END_OF_STDIN = 'read -r _; kill -KILL "-$1"'


class Watchdog:
    """A shell that waits for the end of a pipe only this process holds, and then kills a process group.

    xdist kills its workers when it is interrupted, and a CI system whatever takes too long. On Windows, which has no
    process groups, a program that is busy then lives until it next reads its stdin.
    """

    def __init__(self, group: int) -> None:
        self._shell: subprocess.Popen[bytes] | None = None
        if sys.platform != "win32":
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _KILL_AT_THE_END_OF_STDIN, "sh", str(group)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )

    def dismiss(self) -> None:
        """End the watch; the group is left alone."""
        shell, self._shell = self._shell, None
        if shell is not None:
            shell.kill()
            shell.communicate()
