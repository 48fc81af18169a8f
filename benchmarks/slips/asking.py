"""A source with slips as somebody who is asked: torch in this process, C as a program that is compiled for it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from benchmarks.mutation import asking
from benchmarks.mutation.asking import Ask, DidNot, Outputs
from rnn_goldens import Golden
from rnn_goldens.programs.command import Command


@contextmanager
def asked(language: str, files: Mapping[str, str]) -> Iterator[Ask]:
    """Whom to ask; raises Unsupported where the source refuses a golden, and DidNot if there are no outputs."""
    if language == "torch":
        (text,) = files.values()
        yield _torch(text)
    elif language == "C":
        with _compiled(files) as ask:
            yield ask
    else:
        with asking.asked(language, files) as ask:
            yield ask


def _torch(text: str) -> Ask:
    import torch

    module: dict[str, Any] = {"__name__": "slipped"}
    exec(compile(text, "slipped", "exec"), module)

    @torch.no_grad()
    def ask(golden: Golden) -> Outputs:
        weights = {name: torch.tensor(array) for name, array in golden.weights.items()}
        config, given = golden.config, golden.stored
        network = module["Network"](golden.cell, weights, config.num_layers, bidirectional=config.bidirectional)
        h0 = None if given.h0 is None else torch.tensor(golden.h0)
        c0 = None if given.c0 is None else torch.tensor(golden.c0)
        lengths = None if golden.lengths is None else torch.tensor(golden.lengths)
        try:
            return tuple(part.numpy() for part in network(torch.tensor(golden.x), h0, c0, lengths))
        except (RuntimeError, IndexError) as why:  # two slips, one of which has no room for what the other leaves
            raise DidNot("error") from why

    return ask


@contextmanager
def _compiled(files: Mapping[str, str]) -> Iterator[Ask]:
    with asking.written(files) as folder:
        sources = [name for name in files if name.endswith(".c")]
        binary = folder / "network"
        subprocess.run(["cc", "-O2", "-o", binary, *sources, *_jansson(), "-lm"], cwd=folder, check=True)
        with asking.started(Command((str(binary),), binary, folder)) as ask:
            yield ask


@cache
def _jansson() -> tuple[str, ...]:
    if shutil.which("cc") is None or shutil.which("pkg-config") is None:
        sys.exit("cc and pkg-config are missing; `make diagnosis` installs them")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "jansson"], capture_output=True, text=True, check=False)
    if flags.returncode != 0:
        sys.exit("the C library jansson is missing; `make diagnosis` installs it")
    return tuple(flags.stdout.split())
