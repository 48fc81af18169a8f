"""A program as an implementation: started once, sent golden after golden, and restarted after a failure."""

import errno
import shlex
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import ProgramFailed, Unsupported, WrongUse
from rnn_goldens.programs.command import Command
from rnn_goldens.programs.conversation import Conversation
from rnn_goldens.programs.messages import GRADIENTS, Answer, Arrays, Hello, Refusal
from rnn_goldens.programs.misbehaviour import LateMisbehaviour, Misbehaviour, RequestedGolden, printable
from rnn_goldens.schema import PROTOCOLS

TIME_LIMIT = 10.0
"""Seconds for the answer to one golden."""

START_LIMITS = 3
"""The time to start and print hello, as a multiple of the time limit."""

MAX_FAILED_STARTS = 3
"""Consecutive failed starts after which a program is not restarted."""


class Program:
    """A running program. Called with a golden, it returns out, h_n and, for an LSTM, c_n.

    Attributes:
        hello: the program's hello.
        name: the program's own name, or the command.
        version: its version; "" if not stated.
        late: what the program did after an answer, when the golden's outcome was already known, and how to reproduce
            it: ``golden``, ``dtype``, ``reason`` and ``judged_by``. The reader clears it.
    """

    hello: Hello

    def __init__(self, command: Command, time_limit: float = TIME_LIMIT) -> None:
        """Start the program and read its hello; raises WrongUse if it does not start or prints no valid hello."""
        self.late: list[dict[str, str]] = []
        self._command = command
        self._time_limit = time_limit
        self._last_id = 0
        self._failed_starts = 0
        self._conversation: Conversation | None = None
        self.name = printable(str(command))
        try:
            self.hello = self._started().hello
        except Misbehaviour as why:
            raise WrongUse(self._message(why)) from None
        self.name, self.version = printable(self.hello.name) or self.name, printable(self.hello.version)

    def __call__(self, golden: Inputs) -> tuple[NDArray[np.floating], ...]:
        """Request the outputs of a golden, in its precision.

        Raises Unsupported if the program does not support the golden, according to its hello or answer, and
        ProgramFailed without a valid answer: the program is restarted for the next golden.
        """
        __tracebackhide__ = True
        return tuple(self._answer(golden, back=False).rounded(golden).values())

    def gradients(self, golden: Inputs) -> Mapping[str, NDArray[np.floating]]:
        """Request the gradients of a golden with cotangents, by name, in its precision.

        Raises as ``__call__`` does, and Unsupported if the program or its protocol version has no gradients.
        """
        __tracebackhide__ = True
        if self.hello.protocol == PROTOCOLS[0]:
            raise Unsupported(f"{self.name} speaks protocol {self.hello.protocol}, which has no gradients")
        if GRADIENTS not in self.hello.features:
            raise Unsupported(f"{self.name} does not support {GRADIENTS}")
        return self._answer(golden, back=True).rounded(golden)

    def close(self) -> None:
        """End the program; raises ProgramFailed if it misbehaved after its last answer."""
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            try:
                conversation.close()
            except Misbehaviour as why:
                raise ProgramFailed(self._message(why)) from None

    def _answer(self, golden: Inputs, *, back: bool) -> Arrays:
        __tracebackhide__ = True
        if lacking := self.hello.lacks(golden):
            raise Unsupported(f"{self.name} does not support {lacking}")
        if golden.call.continues or golden.call.arguments:
            raise Unsupported("the protocol has single calls only: a program keeps no states")
        try:
            answer = self._request(golden, back=back)
        except Misbehaviour as why:
            raise ProgramFailed(f"{golden.id} in {golden.dtype}: {self._message(why)}") from None
        if isinstance(answer, Refusal):
            raise Unsupported(printable(answer.reason))
        return answer

    def _request(self, golden: Inputs, *, back: bool) -> Answer:
        self._last_id += 1
        try:
            return self._request_once(golden, back=back)
        except LateMisbehaviour as why:
            found = {"golden": why.golden.id, "dtype": why.golden.dtype}
            self.late.append({**found, "reason": self._message(why), "judged_by": "test"})
        return self._request_once(golden, back=back)  # in a new run of the program

    def _request_once(self, golden: Inputs, *, back: bool) -> Answer:
        conversation = self._started()
        try:
            return conversation.request(golden, self._last_id, self._time_limit, back=back)
        except BaseException as why:
            self._conversation = None  # any exception has ended the program
            if isinstance(why, Misbehaviour):
                requested = RequestedGolden.of(golden, back=back)
                if isinstance(why, LateMisbehaviour):
                    requested = why.golden
                why.details.append(self._reproduction(requested.options))
            raise

    def _started(self) -> Conversation:
        """Return the running program, restarted if necessary; raises Misbehaviour if it does not start."""
        if self._conversation is not None:
            return self._conversation
        if self._failed_starts >= MAX_FAILED_STARTS:
            raise Misbehaviour(f"is not restarted: it failed to start {MAX_FAILED_STARTS} times in a row")
        self._failed_starts += 1
        try:
            self._conversation = Conversation(self._command, START_LIMITS * self._time_limit)
        except OSError as error:
            raise Misbehaviour(f"cannot be started: {_why_not_started(error)}") from None
        except Misbehaviour as why:
            why.details.append(self._reproduction(""))
            raise
        self._failed_starts = 0
        return self._conversation

    def _reproduction(self, what: str) -> str:
        return f"to reproduce: rnn-goldens protocol {what}--requests | {shlex.join(self._command.arguments)}"

    def _message(self, why: Misbehaviour) -> str:
        return "\n".join([f"{self.name} {why}", *(f"  {line}" for line in why.details)])


def _why_not_started(error: OSError) -> str:
    """Return the system's error; rewords errors that are about the program's interpreter."""
    if error.errno == errno.ENOEXEC:
        return f"{error.strerror}; does its first line name an interpreter, as in #!/usr/bin/env python3?"
    if error.errno == errno.ENOENT:
        return "the interpreter after #! in its first line, or a library that it is linked with, does not exist"
    return str(error.strerror)
