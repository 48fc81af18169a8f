"""The messages that are exchanged with one run of a program, from its hello to its first misbehaviour or its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from rnn_goldens.golden import Golden
from rnn_goldens.programs import answers, requests
from rnn_goldens.programs.answers import Hello, Outputs, Refusal
from rnn_goldens.programs.command import Command
from rnn_goldens.programs.misbehaviour import Misbehaviour, ended, instead_of
from rnn_goldens.programs.process import LONGEST_HELLO, Line, Process, StdoutEnded
from rnn_goldens.programs.text import excerpt

_GOODBYE_SECONDS = 2.0
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
        self._asked: dict[int, str] = {}
        self._process = Process(command)
        with self._ending_if_it_fails():
            request = requests.to_line(requests.hello())
            answer = self._exchange(request, LONGEST_HELLO, seconds, "hello")
            if not isinstance(answer, Hello):
                raise Misbehaviour("answered hello with something else")
        self.hello = answer

    def ask(self, golden: Golden, request_id: int, seconds: float) -> Refusal | Outputs:
        """Ask for a golden; raises Misbehaviour if no answer to it comes within so many seconds."""
        with self._ending_if_it_fails():
            self._refuse_more_than_was_asked()
            self._asked[request_id] = golden.id
            request = requests.to_line(requests.run(golden, request_id))
            answer = self._exchange(request, _longest_answer(golden), seconds, "answer")
            if isinstance(answer, Hello):
                raise Misbehaviour("answered hello, which it was not asked for")
            if answer.id in self._asked and answer.id != request_id:
                raise Misbehaviour(f"answered twice: {self._request(answer.id)} again, asked for id {request_id}")
            if answer.id != request_id:
                raise Misbehaviour(f"answered id {answer.id}, asked for id {request_id}")
            self._refuse_more_than_was_asked(may_have_ended=True)
        return answer

    def close(self) -> None:
        """Say goodbye; raises Misbehaviour if the program had more to say than it was asked, or crashed."""
        events, code = self._process.say_goodbye(_GOODBYE_SECONDS)
        if lines := [event for event in events if isinstance(event, Line)]:
            raise self._more_than_was_asked(lines[0])
        if code:
            why = Misbehaviour(f"{ended(code)} after its last answer, when its stdin ended")
            why.add_stderr(self._process)
            raise why

    def _exchange(self, request: bytes, longest: int, seconds: float, awaited: str) -> Hello | Refusal | Outputs:
        self._process.send(request, longest)
        event = self._process.receive(seconds)
        if not isinstance(event, Line):
            raise instead_of(self._process, event, seconds, awaited)
        return answers.read(event.content)

    def _refuse_more_than_was_asked(self, *, may_have_ended: bool = False) -> None:
        """Raise Misbehaviour if the program did something since its last answer."""
        event = self._process.receive(0)
        if isinstance(event, Line):
            raise self._more_than_was_asked(event)
        if isinstance(event, StdoutEnded) and may_have_ended:
            self._process.put_back(event)
        elif event is not None:
            raise instead_of(self._process, event, 0, "answer")

    def _more_than_was_asked(self, line: Line) -> Misbehaviour:
        last = f"its answer to {self._request(max(self._asked))}" if self._asked else "its hello"
        return Misbehaviour(f"answered twice: after {last} it printed {excerpt(line.content)}")

    def _request(self, request_id: int) -> str:
        return f"id {request_id} ({self._asked[request_id]})"

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


def _longest_answer(golden: Golden) -> int:
    outputs = (golden.stored.out, golden.stored.h_n, golden.stored.c_n)
    return _ENVELOPE + _LONGEST_NUMBER * sum(output.size for output in outputs if output is not None)
