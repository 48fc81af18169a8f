"""The exchange of messages with one run of a program, from its hello to its end or first misbehaviour."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.programs import messages
from rnn_goldens.programs.command import Command
from rnn_goldens.programs.messages import GRADIENTS, Answer, Arrays, Hello
from rnn_goldens.programs.misbehaviour import (
    LateMisbehaviour,
    Misbehaviour,
    RequestedGolden,
    afterwards,
    ended,
    excerpt,
    instead_of,
)
from rnn_goldens.programs.process import LONGEST_HELLO, Event, Line, Process, StdoutEnded

_GOODBYE_SECONDS = 10.0
"""Seconds that a program has to end after its stdin has ended."""

_ENVELOPE = 100_000
"""Maximum bytes of an answer without its numbers."""
_LONGEST_NUMBER = 64
"""Maximum bytes of a number in an answer; 26 are enough for any double and a comma."""


class Conversation:
    """One run of a program. A Misbehaviour ends the run: the program is killed.

    Attributes:
        hello: the program's hello.
    """

    def __init__(self, command: Command, seconds: float) -> None:
        """Start the program and read its hello.

        Raises Misbehaviour without a valid hello within the time limit, and OSError if the system could not start it.
        """
        self._requested: dict[int, RequestedGolden] = {}
        self._answered: int | None = None  # id of the last request that was answered
        self._process = Process(command)
        with self._ending_if_it_fails():
            line = self._exchange(messages.to_line(messages.hello()), LONGEST_HELLO, seconds, "hello")
            answer = messages.read(line.content)
            if not isinstance(answer, Hello):
                raise Misbehaviour("answered hello with something else")
        self.hello = answer

    def request(self, golden: Inputs, request_id: int, seconds: float, *, back: bool = False) -> Answer:
        """Request the outputs of a golden, or its gradients if ``back``; returns them or a refusal.

        Raises Misbehaviour without a valid answer within the time limit, and LateMisbehaviour if the program misbehaved
        after an earlier answer: then this golden has no result.
        """
        deadline = time.monotonic() + seconds
        with self._ending_if_it_fails():
            self._require_nothing_pending()
            self._requested[request_id] = RequestedGolden.of(golden, back=back)
            request = messages.to_line(messages.request(golden, request_id, back=back))
            line = self._exchange(request, _longest_answer(golden, back=back), seconds, "answer")
            answer = messages.read(line.content, self.hello.protocol)
            if isinstance(answer, Hello):
                raise Misbehaviour("answered hello to another request")
            if answer.id != request_id:
                raise self._another_id(answer.id, line, request_id, deadline)
            if isinstance(answer, Arrays):
                _require_requested(answer, golden, GRADIENTS if back else "outputs")
            self._answered = request_id
            self._require_single_answer()
        return answer

    def close(self) -> None:
        """Close stdin; raises Misbehaviour if the program then wrote more, crashed or did not end."""
        events, code = self._process.say_goodbye(_GOODBYE_SECONDS)
        if lines := [event for event in events if isinstance(event, Line)]:
            raise self._twice(lines[0], self._answered)
        if why := self._misbehaviour_at_end(events, code):
            why.add_stderr(self._process)
            raise why

    def _misbehaviour_at_end(self, events: Sequence[Event], code: int | None) -> Misbehaviour | None:
        if events:
            return instead_of(self._process, events[0], 0, "end")
        if code is None:
            return Misbehaviour(f"did not end within {_GOODBYE_SECONDS:g} s after its stdin ended")
        return Misbehaviour(f"{ended(code)} after its last answer, when its stdin ended") if code else None

    def _exchange(self, request: bytes, longest: int, seconds: float, awaited: str) -> Line:
        self._process.send(request, longest)
        event = self._process.receive(seconds)
        if self._answered is not None and self._process.has_read_nothing():
            raise self._late(event, self._answered, seconds)
        if not isinstance(event, Line):
            raise instead_of(self._process, event, seconds, awaited)
        return event

    def _require_nothing_pending(self) -> None:
        """Raise Misbehaviour if the program did anything since its last answer or hello."""
        event = self._process.receive(0)
        if event is not None and self._answered is not None:
            raise self._late(event, self._answered, 0)
        if isinstance(event, Line):
            raise self._twice(event, None)
        if event is not None:
            raise instead_of(self._process, event, 0, "answer")

    def _require_single_answer(self) -> None:
        """Raise Misbehaviour if more was printed with this answer; an exit only matters for the next request."""
        event = self._process.receive(0)
        if isinstance(event, Line):
            raise self._twice(event, self._answered)
        if event is not None and not isinstance(event, StdoutEnded):
            raise instead_of(self._process, event, 0, "answer")

    def _another_id(self, answered: int, line: Line, request_id: int, deadline: float) -> Misbehaviour:
        """Return the misbehaviour of an answer with another id: a LateMisbehaviour if the correct answer follows."""
        if answered not in self._requested:
            return Misbehaviour(f"answered id {answered} to request id {request_id}")
        while isinstance(event := self._process.receive(deadline - time.monotonic()), Line):
            if self._id_of(event) == request_id:
                return self._late(line, answered, 0)
        return Misbehaviour(f"answered twice: {self._request(answered)} again, instead of id {request_id}")

    def _late(self, event: Event | None, request_id: int, seconds: float) -> LateMisbehaviour:
        """Return the misbehaviour of the program after the answer to a request."""
        if isinstance(event, Line):
            why = self._twice(event, request_id)
        else:
            why = afterwards(self._process, event, seconds, f"its answer to {self._request(request_id)}")
        return LateMisbehaviour(self._requested[request_id], why)

    def _twice(self, line: Line, request_id: int | None) -> Misbehaviour:
        last = "its hello" if request_id is None else f"its answer to {self._request(request_id)}"
        return Misbehaviour(f"answered twice: after {last} it printed {excerpt(line.content)}")

    def _request(self, request_id: int) -> str:
        return f"id {request_id} ({self._requested[request_id].id})"

    def _id_of(self, line: Line) -> int | None:
        """Return the id of the request that a line answers; None if it answers none."""
        try:
            answer = messages.read(line.content, self.hello.protocol)
        except Misbehaviour:
            return None
        return None if isinstance(answer, Hello) else answer.id

    @contextmanager
    def _ending_if_it_fails(self) -> Iterator[None]:
        try:
            yield
        except Misbehaviour as why:
            self._process.kill()
            why.add_stderr(self._process)
            raise
        except BaseException:
            self._process.kill()
            raise


def _require_requested(answer: Arrays, golden: Inputs, requested: str) -> None:
    """Raise Misbehaviour for outputs in place of gradients, or the other way round, and unless outputs are complete."""
    if answer.answer != requested:
        raise Misbehaviour(f"answered {answer.answer} to a request for {requested}")
    names = golden.layout.outputs if requested != GRADIENTS else ()
    if missing := [name for name in names if name not in answer.arrays]:
        got = ", ".join(answer.arrays)
        raise Misbehaviour(
            f"answered {got} without {', '.join(missing)}: outputs of {golden.cell} are {', '.join(names)}"
        )


def _longest_answer(golden: Inputs, *, back: bool) -> int:
    arrays = [*golden.shapes.outputs.values()]
    arrays += golden.shapes.gradients(state=True).values() if back else ()
    return _ENVELOPE + _LONGEST_NUMBER * sum(map(math.prod, arrays))
