"""Commands escape hostile text in files or from programs, in several encodings of the terminal."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e<script>alert(1)</script>|`[/x]\x9b31m"

PROGRAM = f"""
import json, sys
hostile = {HOSTILE!r}
for line in sys.stdin:
    request = json.loads(line)
    if request["request"] == "hello":
        answer = {{"answer": "hello", "protocol": 1, "name": hostile, "version": hostile,  "cells": ["rnn_relu"],
                   "features": ["bias", "state"], "precisions": ["float32"]}}
    else:
        answer = {{"answer": "unsupported", "id": request["id"], "reason": hostile}}
        sys.stderr.write(hostile)
        if "identity" in request["golden"]:
            sys.exit(3)
    print(json.dumps(answer), flush=True)
"""

ENVIRONMENTS = [{}, {"PYTHONIOENCODING": "ascii"}]


def printed(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Run a command; return its output, which must not contain tracebacks or control characters."""
    all_variables = {**os.environ, **(environment or {})}
    command = [sys.executable, "-m", "rnn_goldens", *arguments]
    done = subprocess.run(command, cwd=folder, env=all_variables, capture_output=True, check=False)
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "Traceback (most recent call last)" not in output.replace("net:run raised\nTraceback", "")
    assert done.returncode in (0, 1, 2), output
    assert not set(output) & set("\x1b\x07\x9b\u202e"), output
    return output


@pytest.fixture(params=ENVIRONMENTS, ids=["unchanged", "ascii"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    variables: dict[str, str] = request.param
    return variables


@pytest.fixture
def hostile_corpus(corpus_copy: Path) -> Path:
    """A corpus with hostile ids in its index."""
    index = json.loads((corpus_copy / "index.json").read_text("utf-8"))
    for entry, hostile_id in zip(
        index["goldens"], ["documented/[/x]", "documented/\udc80", "documented/\x1b[2J"], strict=False
    ):
        entry["id"] = hostile_id
    (corpus_copy / "index.json").write_text(json.dumps(index), "utf-8")
    return corpus_copy


@pytest.mark.slow
def test_hostile_ids_in_an_index_are_escaped(hostile_corpus: Path, environment: dict[str, str]) -> None:
    option = ("--corpus", str(hostile_corpus))
    printed(hostile_corpus, "list", *option, environment=environment)
    printed(hostile_corpus, "list", "--json", *option, environment=environment)
    for command in ("show", "explain"):
        printed(hostile_corpus, command, "documented/[/x]", *option, environment=environment)
    printed(hostile_corpus, "diff", str(hostile_corpus), "v2", environment=environment)
    printed(hostile_corpus, "validate", str(hostile_corpus), environment=environment)


@pytest.mark.slow
def test_titles_of_goldens_are_escaped_in_the_terminal(corpus_copy: Path, environment: dict[str, str]) -> None:
    for path in corpus_copy.rglob("mini-batch.json"):
        document = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**document, "title": HOSTILE, "purpose": HOSTILE}), "utf-8")
        for command in (["validate"], ["diff", "documented/mini-batch"]):
            printed(corpus_copy, *command, str(path), environment=environment)
    for path in corpus_copy.rglob("mini-batch.h5"):
        path.unlink()
    printed(corpus_copy, "show", "documented/mini-batch", "--corpus", str(corpus_copy), environment=environment)


@pytest.mark.slow
def test_program_output_is_escaped_in_terminal_and_pages(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    command = [sys.executable, "program.py"]
    output = printed(tmp_path, "check", "-k", "documented", "--", *command, environment=environment)
    assert r"\x1b[2J" in output
    report = ["report", "--program", shlex.join(command), "-k", "single-sequence"]
    printed(tmp_path, *report, "--page", "page.md", "--badge", "badge.json", environment=environment)
    printed(tmp_path, *report, "--page", "page.html", environment=environment)
    for name in ("page.md", "page.html", "badge.json", "conformance.json"):
        page = (tmp_path / name).read_text("utf-8")
        assert not set(page) & set("\x1b\x07\x9b\u202e")
        assert "<script>alert" not in page or name.endswith(".json")
    rows = [line for line in (tmp_path / "page.md").read_text("utf-8").splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {6}
