"""A program as an implementation: started once, asked golden after golden, and started again when it fails one."""

import errno
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import ProgramFailed, Unsupported, WrongUse
from rnn_goldens.programs.answers import GRADIENTS, Answer, Gradients, Hello, Outputs, Refusal
from rnn_goldens.programs.command import Command
from rnn_goldens.programs.conversation import Conversation
from rnn_goldens.programs.misbehaviour import AskedGolden, CameLate, Misbehaviour
from rnn_goldens.programs.text import printable
from rnn_goldens.schema import PROTOCOLS

TIME_LIMIT = 10.0
"""Seconds for the answer to one golden."""

START_LIMITS = 3
"""A program has so many times the time limit to start and say hello."""

MOST_FAILED_STARTS = 3
"""In a row; after that a program is not started again."""


@dataclass(frozen=True)
class Late:
    """What a program did after its answer to a golden, which had been judged by then.

    Attributes:
        golden: the id of that golden.
        dtype: the precision that was asked of it.
        text: what the program did, and how to ask it by hand.
    """

    golden: str
    dtype: str
    text: str


class Program:
    """A program that is kept running; called with a golden it returns out, h_n (and c_n).

    Attributes:
        late: what was noticed of earlier goldens when a later one was asked; who reads it, empties it.
    """

    def __init__(self, command: Command, time_limit: float = TIME_LIMIT) -> None:
        """Start it and hear its hello; raises WrongUse if it does not start or says anything else."""
        self.late: list[Late] = []
        self._command = command
        self._time_limit = time_limit
        self._last_id = 0
        self._failed_starts = 0
        self._conversation: Conversation | None = None
        self._hello: Hello | None = None
        try:
            self._hello = self._started().hello
        except Misbehaviour as why:
            raise WrongUse(self._message(why)) from None

    @property
    def name(self) -> str:
        """What it calls itself, or the command."""
        own_name = self._hello.name if self._hello is not None else ""
        return printable(own_name or str(self._command))

    @property
    def hello(self) -> Hello:
        """What it says of itself."""
        assert self._hello is not None  # or it would not have been made
        return self._hello

    @property
    def version(self) -> str:
        """What it says its version is; "" if it does not."""
        return printable(self._hello.version if self._hello is not None else "")

    def __call__(self, golden: Question) -> tuple[NDArray[np.floating], ...]:
        """Ask for a golden; the outputs are in its precision.

        Raises:
            Unsupported: so says its hello, or its answer.
            ProgramFailed: it gave no answer; the message says in which way. It is started again for the next golden.
        """
        __tracebackhide__ = True
        answer = self._answer(golden, back=False)
        assert isinstance(answer, Outputs)  # a conversation takes nothing else
        return answer.rounded(golden.dtype)

    def gradients(self, golden: Question) -> Mapping[str, NDArray[np.floating]]:
        """Ask for the gradients of a golden that has cotangents; by name, in its precision.

        Raises:
            Unsupported: the program speaks a protocol without gradients, or does not say that it supports them; or as
                for outputs.
            ProgramFailed: as for outputs.
        """
        __tracebackhide__ = True
        if self.hello.protocol == PROTOCOLS[0]:
            raise Unsupported(f"{self.name} speaks protocol {self.hello.protocol}, which has no gradients")
        if GRADIENTS not in self.hello.features:
            raise Unsupported(f"{self.name} supports no {GRADIENTS}")
        answer = self._answer(golden, back=True)
        assert isinstance(answer, Gradients)  # likewise
        return answer.rounded(golden.dtype)

    def close(self) -> None:
        """End it; raises ProgramFailed if it had more to say than it was asked."""
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            try:
                conversation.close()
            except Misbehaviour as why:
                raise ProgramFailed(self._message(why)) from None

    def _answer(self, golden: Question, *, back: bool) -> Answer:
        __tracebackhide__ = True
        if lacking := self.hello.lacks(golden):
            raise Unsupported(f"{self.name} supports no {lacking}")
        try:
            answer = self._ask(golden, back=back)
        except Misbehaviour as why:
            raise ProgramFailed(f"{golden.id} in {golden.dtype}: {self._message(why)}") from None
        if isinstance(answer, Refusal):
            raise Unsupported(printable(answer.reason))
        return answer

    def _ask(self, golden: Question, *, back: bool) -> Answer:
        self._last_id += 1
        try:
            return self._ask_once(golden, back=back)
        except CameLate as why:
            self.late.append(Late(why.asked.id, why.asked.dtype, self._message(why)))
        return self._ask_once(golden, back=back)  # of a run that has answered nothing before

    def _ask_once(self, golden: Question, *, back: bool) -> Answer:
        conversation = self._started()
        try:
            return conversation.ask(golden, self._last_id, self._time_limit, back=back)
        except BaseException as why:
            self._conversation = None  # whatever it was, it ended the program
            if isinstance(why, Misbehaviour):
                asked = why.asked if isinstance(why, CameLate) else AskedGolden(golden.id, golden.dtype, back=back)
                why.details.append(self._by_hand(asked.options))
            raise

    def _started(self) -> Conversation:
        """The program as it runs, or started again; raises Misbehaviour if it does not start."""
        if self._conversation is not None:
            return self._conversation
        if self._failed_starts >= MOST_FAILED_STARTS:
            raise Misbehaviour(f"is not started any more: it did not start {MOST_FAILED_STARTS} times in a row")
        self._failed_starts += 1
        try:
            self._conversation = Conversation(self._command, START_LIMITS * self._time_limit)
        except OSError as error:
            raise Misbehaviour(f"can not be started: {_why_not_started(error)}") from None
        except Misbehaviour as why:
            why.details.append(self._by_hand(""))
            raise
        self._failed_starts = 0
        return self._conversation

    def _by_hand(self, what: str) -> str:
        return f"to ask it by hand: rnn-goldens protocol {what}--requests | {shlex.join(self._command.arguments)}"

    def _message(self, why: Misbehaviour) -> str:
        return "\n".join([f"{self.name} {why}", *(f"  {line}" for line in why.details)])


def _why_not_started(error: OSError) -> str:
    """The system's words, which speak of the program where they mean what its first line names."""
    if error.errno == errno.ENOEXEC:
        return f"{error.strerror}; does its first line say what runs it, as in #!/usr/bin/env python3?"
    if error.errno == errno.ENOENT:
        return "what its first line names after #! to run it, or a library that it is linked with, is not there"
    return str(error.strerror)
