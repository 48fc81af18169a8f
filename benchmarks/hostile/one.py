"""Give one reader many inputs, in a process of its own, and write down what became of them.

    python -m benchmarks.hostile.one TARGET RUNS SEED FILE

Where the reader is Python, atheris makes inputs from what led to new branches; else bytes of real files are changed at
random. The seed fixes both.
"""

import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import atheris

LONGEST = 20_000
MOST_FINDINGS = 20
SLOW = 1.0
"""Seconds of CPU that an input may take."""


@dataclass
class Tally:
    """What became of the inputs so far.

    Attributes:
        inputs: how many there were.
        refused: those that were told what is wrong.
        longest: CPU seconds of the slowest.
        mebibytes: more memory than before the first.
        findings: inputs, in hexadecimal, that raised something else or took too long, and what.
    """

    inputs: int = 0
    refused: int = 0
    longest: float = 0.0
    mebibytes: float = 0.0
    findings: list[tuple[str, str]] = field(default_factory=list)


def main() -> None:
    """Run one target."""
    name, runs, seed, file = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    with atheris.instrument_imports(include=["rnn_goldens"]):
        from benchmarks.hostile.targets import targets

        scratch = Path(tempfile.mkdtemp())
        target = targets(scratch)[name]()
    tally, memory = Tally(), _mebibytes()

    def one(data: bytes) -> None:
        began = time.process_time()
        try:
            target.read(data)
        except target.expected:
            tally.refused += 1
        except BaseException as error:
            _keep(tally, data, f"{type(error).__name__}: {error}")
        seconds = time.process_time() - began
        tally.inputs += 1
        tally.longest = max(tally.longest, seconds)
        if seconds > SLOW:
            _keep(tally, data, f"{seconds:.1f} s")
        if tally.inputs % 500 == 0 or tally.inputs >= runs:
            tally.mebibytes = _mebibytes() - memory
            file.write_text(json.dumps(asdict(tally)))

    for content in target.seeds:
        one(content)
    if target.of_python:
        _guided(one, target.seeds, target.words, runs - len(target.seeds), seed, scratch)
    else:
        _changed_at_random(one, target.seeds, runs - len(target.seeds), seed)


def _guided(
    one: Callable[[bytes], None], seeds: tuple[bytes, ...], words: tuple[str, ...], runs: int, seed: int, scratch: Path
) -> None:
    corpus, dictionary = scratch / "seeds", scratch / "words"
    corpus.mkdir()
    for number, content in enumerate(seeds):
        (corpus / str(number)).write_bytes(content)
    dictionary.write_text("".join(f'"{word}"\n' for word in words))
    options = [f"-runs={runs}", f"-seed={seed}", f"-max_len={LONGEST}", f"-dict={dictionary}", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options, "-verbosity=0", "-timeout=120", str(corpus)], one)
    atheris.Fuzz()


def _changed_at_random(one: Callable[[bytes], None], seeds: tuple[bytes, ...], runs: int, seed: int) -> None:
    numbers = random.Random(seed)
    for _ in range(runs):
        data = bytearray(numbers.choice(seeds))
        for _ in range(numbers.choice((1, 1, 1, 2, 4, 16))):
            place = numbers.randrange(len(data))
            match numbers.randrange(6):
                case 0 | 1:
                    data[place] ^= 1 << numbers.randrange(8)
                case 2:
                    data[place] = numbers.choice((0, 1, 0x7F, 0x80, 0xFF))
                case 3:
                    data[place : place + 8] = numbers.choice((b"\xff" * 8, b"\0" * 8, numbers.randbytes(8)))
                case 4:
                    other = numbers.randrange(len(data))
                    data[place : place + 16] = data[other : other + 16]
                case _:
                    if numbers.random() < 0.1:  # noqa: PLR2004
                        del data[place:]
                        data += b"\0"
        one(bytes(data))


def _keep(tally: Tally, data: bytes, what: str) -> None:
    if len(tally.findings) < MOST_FINDINGS:
        tally.findings.append((data.hex(), what[:200]))


def _mebibytes() -> float:
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used) / 1024


if __name__ == "__main__":
    main()
