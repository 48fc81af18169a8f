"""The messages that are exchanged with one run of a program, from its hello to its first misbehaviour or its end."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rnn_goldens.checkable.golden import Question
from rnn_goldens.golden.shapes import gradient_shapes, out_shape, state_shape
from rnn_goldens.programs import answers, requests
from rnn_goldens.programs.answers import Answer, Gradients, Hello, Outputs
from rnn_goldens.programs.command import Command
from rnn_goldens.programs.misbehaviour import AskedGolden, CameLate, Misbehaviour, afterwards, ended, instead_of
from rnn_goldens.programs.process import LONGEST_HELLO, Event, Line, Process, StdoutEnded
from rnn_goldens.programs.text import excerpt

_GOODBYE_SECONDS = 10.0
"""A program has so many seconds to end once its stdin has ended."""

_ENVELOPE = 100_000
_LONGEST_NUMBER = 64
"""Bytes of one number in an answer, and of everything else, at the most: 26 hold any double and a comma."""


class Conversation:
    """One run of a program. Whatever raises Misbehaviour ends it, and the program with it.

    Attributes:
        hello: what the program said of itself.
    """

    def __init__(self, command: Command, seconds: float) -> None:
        """Start the program and hear its hello.

        Raises:
            Misbehaviour: there was none within so many seconds.
            OSError: the system did not start it.
        """
        self._asked: dict[int, AskedGolden] = {}
        self._answered: int | None = None  # the id of the last request that was answered
        self._process = Process(command)
        with self._ending_if_it_fails():
            line = self._exchange(requests.to_line(requests.hello()), LONGEST_HELLO, seconds, "hello")
            answer = answers.read(line.content)
            if not isinstance(answer, Hello):
                raise Misbehaviour("answered hello with something else")
        self.hello = answer

    def ask(self, golden: Question, request_id: int, seconds: float, *, back: bool = False) -> Answer:
        """Ask for the outputs of a golden, or, to go ``back``, for the gradients: a refusal, or what was asked for.

        Raises:
            CameLate: the program did more than it was asked after an earlier answer; nothing is known of this golden.
            Misbehaviour: no answer to it came within so many seconds.
        """
        deadline = time.monotonic() + seconds
        with self._ending_if_it_fails():
            self._refuse_more_than_was_asked()
            self._asked[request_id] = AskedGolden(golden.id, golden.dtype, back=back)
            request = requests.to_line((requests.run_back if back else requests.run)(golden, request_id))
            line = self._exchange(request, _longest_answer(golden, back=back), seconds, "answer")
            answer = answers.read(line.content, self.hello.protocol)
            if isinstance(answer, Hello):
                raise Misbehaviour("answered hello, which it was not asked for")
            if answer.id != request_id:
                raise self._another_id(answer.id, line, request_id, deadline)
            if isinstance(answer, Outputs if back else Gradients):
                given, wanted = ("outputs", "gradients") if back else ("gradients", "outputs")
                raise Misbehaviour(f"answered {given}, asked for {wanted}")
            self._answered = request_id
            self._refuse_more_than_this_answer()
        return answer

    def close(self) -> None:
        """Say goodbye; raises Misbehaviour if the program had more to say than it was asked, crashed or did not end."""
        events, code = self._process.say_goodbye(_GOODBYE_SECONDS)
        if lines := [event for event in events if isinstance(event, Line)]:
            raise self._twice(lines[0], self._answered)
        if why := self._after_its_last_answer(events, code):
            why.add_stderr(self._process)
            raise why

    def _after_its_last_answer(self, events: Sequence[Event], code: int | None) -> Misbehaviour | None:
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

    def _refuse_more_than_was_asked(self) -> None:
        """Raise Misbehaviour if the program did something after what was made of its last answer, or of its hello."""
        event = self._process.receive(0)
        if event is not None and self._answered is not None:
            raise self._late(event, self._answered, 0)
        if isinstance(event, Line):
            raise self._twice(event, None)
        if event is not None:
            raise instead_of(self._process, event, 0, "answer")

    def _refuse_more_than_this_answer(self) -> None:
        """Raise Misbehaviour if the program did more at once; that it ended matters if it is asked again."""
        event = self._process.receive(0)
        if isinstance(event, Line):
            raise self._twice(event, self._answered)
        if isinstance(event, StdoutEnded):
            self._process.put_back(event)
        elif event is not None:
            raise instead_of(self._process, event, 0, "answer")

    def _another_id(self, answered: int, line: Line, request_id: int, deadline: float) -> Misbehaviour:
        """An answer of another id: one that came late, if the right one follows."""
        if answered not in self._asked:
            return Misbehaviour(f"answered id {answered}, asked for id {request_id}")
        while isinstance(event := self._process.receive(deadline - time.monotonic()), Line):
            if self._id_of(event) == request_id:
                return self._late(line, answered, 0)
        return Misbehaviour(f"answered twice: {self._request(answered)} again, asked for id {request_id}")

    def _late(self, event: Event | None, request_id: int, seconds: float) -> CameLate:
        """What an event after the answer to a request was; or that there was none for so many seconds."""
        if isinstance(event, Line):
            why = self._twice(event, request_id)
        else:
            why = afterwards(self._process, event, seconds, f"its answer to {self._request(request_id)}")
        return CameLate(self._asked[request_id], why)

    def _twice(self, line: Line, request_id: int | None) -> Misbehaviour:
        last = "its hello" if request_id is None else f"its answer to {self._request(request_id)}"
        return Misbehaviour(f"answered twice: after {last} it printed {excerpt(line.content)}")

    def _request(self, request_id: int) -> str:
        return f"id {request_id} ({self._asked[request_id].id})"

    def _id_of(self, line: Line) -> int | None:
        """Of the request that a line answers; None if it answers none."""
        try:
            answer = answers.read(line.content, self.hello.protocol)
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


def _longest_answer(golden: Question, *, back: bool) -> int:
    out = out_shape(golden.config, golden.batch_shape, golden.stored.x.shape[-2])
    states = len(golden.layout.states) * math.prod(state_shape(golden.config, golden.batch_shape))
    gradients = gradient_shapes(golden.layout, golden.config, golden.stored.x.shape, state=True) if back else {}
    return _ENVELOPE + _LONGEST_NUMBER * (math.prod(out) + states + sum(map(math.prod, gradients.values())))
