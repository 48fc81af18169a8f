"""Whatever stands in a file, or a program says, no command obeys it, nor dies of it, whatever the terminal can show."""

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
said = {HOSTILE!r}
for line in sys.stdin:
    request = json.loads(line)
    if request["request"] == "hello":
        answer = {{"answer": "hello", "protocol": 1, "name": said, "version": said, "cells": ["rnn_relu"],
                   "features": ["bias", "state"], "precisions": ["float32"]}}
    else:
        answer = {{"answer": "unsupported", "id": request["id"], "reason": said}}
        sys.stderr.write(said)
        if "identity" in request["golden"]:
            sys.exit(3)
    print(json.dumps(answer), flush=True)
"""

SURROUNDINGS = [{}, {"PYTHONIOENCODING": "ascii"}, {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}]


def printed(folder: Path, *arguments: str, surroundings: dict[str, str] | None = None) -> str:
    """What a command prints, which is no traceback, and has nothing in it that a terminal obeys."""
    environment = {**os.environ, **(surroundings or {})}
    command = [sys.executable, "-m", "rnn_goldens", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert "Traceback (most recent call last)" not in said.replace("net:run raised\nTraceback", "")
    assert done.returncode in (0, 1, 2), said
    assert not set(said) & set("\x1b\x07\x9b\u202e"), said
    return said


@pytest.fixture(params=SURROUNDINGS, ids=["as it is", "ascii", "LANG=C"])
def surroundings(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.param
    return found


@pytest.fixture
def hostile_corpus(corpus_copy: Path) -> Path:
    """One whose index and files were written by somebody who means harm; whether they can be read is another matter."""
    index = json.loads((corpus_copy / "index.json").read_text("utf-8"))
    for entry, own_id in zip(
        index["goldens"], ["documented/[/x]", "documented/\udc80", "documented/\x1b[2J"], strict=False
    ):
        entry["id"] = own_id
    (corpus_copy / "index.json").write_text(json.dumps(index), "utf-8")
    return corpus_copy


@pytest.mark.slow
def test_no_id_of_an_index_ends_a_command(hostile_corpus: Path, surroundings: dict[str, str]) -> None:
    ask = ("--corpus", str(hostile_corpus))
    printed(hostile_corpus, "list", *ask, surroundings=surroundings)
    printed(hostile_corpus, "list", "--json", *ask, surroundings=surroundings)
    for command in ("show", "explain"):
        printed(hostile_corpus, command, "documented/[/x]", *ask, surroundings=surroundings)
    printed(hostile_corpus, "diff", str(hostile_corpus), "v1", surroundings=surroundings)
    printed(hostile_corpus, "validate", str(hostile_corpus), surroundings=surroundings)


@pytest.mark.slow
def test_no_title_of_a_golden_reaches_the_terminal_raw(corpus_copy: Path, surroundings: dict[str, str]) -> None:
    for path in corpus_copy.rglob("mini-batch.json"):
        document = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**document, "title": HOSTILE, "purpose": HOSTILE}), "utf-8")
        for command in (["validate"], ["diff", "documented/mini-batch"]):
            printed(corpus_copy, *command, str(path), surroundings=surroundings)
    for path in corpus_copy.rglob("mini-batch.h5"):
        path.unlink()
    printed(corpus_copy, "show", "documented/mini-batch", "--corpus", str(corpus_copy), surroundings=surroundings)


@pytest.mark.slow
def test_nothing_a_program_says_reaches_terminal_or_page_raw(tmp_path: Path, surroundings: dict[str, str]) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    command = [sys.executable, "program.py"]
    said = printed(tmp_path, "check", "-k", "documented", "--", *command, surroundings=surroundings)
    assert r"\x1b[2J" in said
    report = ["report", "--program", shlex.join(command), "-k", "single-sequence"]
    printed(tmp_path, *report, "--page", "page.md", "--badge", "badge.json", surroundings=surroundings)
    printed(tmp_path, *report, "--page", "page.html", surroundings=surroundings)
    for name in ("page.md", "page.html", "badge.json", "conformance.json"):
        page = (tmp_path / name).read_text("utf-8")
        assert not set(page) & set("\x1b\x07\x9b\u202e")
        assert "<script>alert" not in page or name.endswith(".json")
    rows = [line for line in (tmp_path / "page.md").read_text("utf-8").splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in rows} == {6}
