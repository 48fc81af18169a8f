"""The conformance report: passed, refused and wrong results, as a file and as a page."""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnn_goldens.schema import problems

pytestmark = pytest.mark.slow

Run = Callable[..., "subprocess.CompletedProcess[str]"]
FINDING, WRONG_USE = 1, 2
WIDTH = 80

ONLY = ("-k", "documented")

WITH_FILE_SIZE_LIMIT = """
import os, resource, sys
size, *arguments = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))
os.execv(sys.executable, [sys.executable, "-m", "rnn_goldens", *arguments])
"""


def document(folder: Path) -> Any:
    report = json.loads((folder / "conformance.json").read_text("utf-8"))
    assert problems(report, "conformance") == []
    return report


def test_passed_refused_and_failed_are_distinguished(run: Run, tmp_path: Path) -> None:
    nets = [f"users_nets:{name}" for name in ("right", "stale", "unable_in_batches")]
    done = run("report", *nets, "--page", "page.html", *ONLY, code=FINDING)
    assert "users_nets:right 16 passed\n" in done.stdout
    assert "users_nets:unable_in_batches 4 passed, 12 refused\n" in done.stdout
    assert "\n  documented/mini-batch in float64 and 3 more: out is first wrong" in done.stdout
    assert done.stdout.count("  documented/mini-batch in ") == 1
    assert "  rnn_relu: 16 of 16 fail: not recognised\n" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= WIDTH

    right, stale, unable = document(tmp_path)["implementations"]
    relu = {result["dtype"]: result for result in right["results"] if result["cell"] == "rnn_relu"}
    assert relu["bfloat16"] == {
        "cell": "rnn_relu",
        "dtype": "bfloat16",
        "passed": 4,
        "refused": 0,
        "wrong": 0,
        "largest_error": 0,
    }
    assert {r["passed"] for r in right["results"] if r["cell"] != "rnn_relu"} == {0}
    assert len(stale["disagreements"]) == sum(result["wrong"] for result in stale["results"]) > 0
    assert {disagreement["known"] for disagreement in stale["disagreements"]} == {None}
    assert [(cause["cell"], cause["failed"]) for cause in stale["causes"]] == [("rnn_relu", 16)]
    assert right["causes"] == unable["causes"] == []
    assert unable["refusals"] == [
        {
            "reason": "one sequence at a time",
            "count": 12,
            "cells": ["rnn_relu"],
            "dtypes": ["float64", "float32", "bfloat16", "float16"],
        }
    ]
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<code>users_nets:stale</code>, rnn_relu: 16 of 16 fail" in page
    assert page.count("data-picture=") == page.count('<details class="failure failed"') == 16
    assert "rnn-goldens check users_nets:stale -k &#39;[documented/mini-batch-float64]&#39;" in page
    refused = '<span class="quiet">(rnn_relu; float64, float32, bfloat16, float16)</span> one sequence at a time'
    assert f"<b>12</b> of <code>users_nets:unable_in_batches</code> {refused}" in " ".join(page.split())


def test_known_failures_do_not_fail_the_report_and_are_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    known = tmp_path / "known" / "users_nets_stale.txt"
    known.write_text("documented/*  # two states back, https://example.org/issues/7\n")
    done = run("report", "users_nets:stale", "--known-failures", "known", "--page", "page.md", *ONLY)
    assert "users_nets:stale 16 known-failure" in done.stdout
    (stale,) = document(tmp_path)["implementations"]
    assert {d["known"] for d in stale["disagreements"]} == {"two states back, https://example.org/issues/7"}
    assert stale["disagreements"][0]["reason"].startswith("out is first wrong")
    page = (tmp_path / "page.md").read_text("utf-8")
    assert "| `users_nets:stale` | **4 wrong** | **4 wrong** | **4 wrong** | **4 wrong** |" in page
    line = "`users_nets:stale`, 16 goldens, known: two states back, https://example.org/issues/7. The first: doc"
    assert line in page


def test_a_known_failure_that_passes_fails_the_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "numpy.txt").write_text("documented/mini-batch  # a guess\n")
    (tmp_path / "known" / "nunpy.txt").write_text("documented/mini-batch  # a slip\n")
    done = run("report", "numpy", "--known-failures", "known", *ONLY, code=FINDING)
    assert "known/nunpy.txt is named after no implementation in this report\n" in done.stderr
    problem = "numpy.txt: 4 problems, the first: documented/mini-batch in float64 passes: remove it, or narrow"
    assert problem in done.stderr
    assert not (tmp_path / "conformance.json").exists()


def test_a_result_that_differs_from_an_earlier_report_fails(run: Run, tmp_path: Path) -> None:
    run("report", "users_nets:right", "numpy", "--output", "earlier.json", *ONLY)
    same = run("report", "users_nets:right", "numpy", "--against", "earlier.json", *ONLY)
    assert "was" not in same.stdout
    earlier = json.loads((tmp_path / "earlier.json").read_text("utf-8"))
    for implementation in earlier["implementations"]:
        implementation["results"][4]["refused"] = 1
    earlier["implementations"][1]["versions"] = {"numpy": "1.0"}
    (tmp_path / "earlier.json").write_text(json.dumps(earlier))
    pages = ("--page", "page.html", "--badge", "badge.json")
    done = run("report", "users_nets:right", "numpy", "--against", "earlier.json", *pages, *ONLY, code=FINDING)
    assert "◆ other users_nets:right, rnn_relu, float64: 0 refused (was 1)\n" in done.stdout
    assert "◆ other numpy, rnn_relu, float64: 0 refused (was 1) (with other versions)\n" in done.stdout
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Since earlier.json" in page
    assert "<code>users_nets:right, rnn_relu, float64</code>: 0 refused (was 1)" in page
    badge = json.loads((tmp_path / "badge.json").read_text("utf-8"))
    assert badge["message"] == "2 of 2 implementations agree"


def test_gradients_are_reported_separately(run: Run, tmp_path: Path) -> None:
    nets = ("numpy", "onnx-reference", "users_nets:halves")
    selection = ("-k", "lstm/plain or lstm/no-bias-float")
    done = run("report", *nets, "--gradients", "--page", "page.md", *selection, code=FINDING)
    assert re.search(r"^numpy           \d passed\n  gradients     \d passed\n", done.stdout)
    refused = r"\n  gradients     \d refused\n    onnx-reference computes outputs but no gradients\n"
    assert re.search(refused, done.stdout)
    assert re.search(
        r"\nusers_nets:halves \d passed\n  gradients     \d failed\n    x: wrong in (\d) of \1 goldens\n", done.stdout
    )
    assert re.search(r"\n    not checked: weight_hh_l0, in \d goldens\n", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= WIDTH
    numpy, onnx, halves = document(tmp_path)["implementations"]
    count = sum(result["passed"] for result in numpy["gradients"]["results"])
    assert count > 3
    assert onnx["gradients"]["refusals"][0]["count"] == count
    assert halves["disagreements"] == []
    assert len(halves["gradients"]["disagreements"]) == count
    assert halves["gradients"]["not_checked"] == {"weight_hh_l0": count}
    page = (tmp_path / "page.md").read_text("utf-8").partition("## Gradients")[2]
    assert re.search(r"\| `onnx-reference` \| \d refused \| \d refused \|", page)
    assert re.search(r"\| `users_nets:halves` \| \*\*\d wrong\*\* \|", page)
    assert f"- `users_nets:halves`: `weight_hh_l0` in {count} goldens\n" in page


def test_a_deviation_of_the_backward_pass_is_printed(run: Run) -> None:
    done = run("report", "users_nets:zero", "--gradients", "-k", "gru/with-state-float", code=FINDING)
    line = r"\n  gru/with-state in float64 and \d more, like weight_hh_gradient_zero: 5 right;\n    weight_hh"
    assert re.search(line, done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= WIDTH


def test_known_failures_of_gradients_have_their_own_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "users_nets_half_of_x.gradients.txt").write_text("documented/*  # x is halved\n")
    selection = ("--gradients", "-k", "documented/single")
    done = run("report", "users_nets:half_of_x", "--known-failures", "known", "--page", "page.html", *selection)
    assert "users_nets:half_of_x 4 passed\n  gradients     4 known-failure\n" in done.stdout
    page = " ".join((tmp_path / "page.html").read_text("utf-8").split())
    assert "<code>users_nets:half_of_x: gradients</code>" in page
    assert '<tr class="wrong"><th><code>x</code></th><td>✗ wrong</td><td>15 of 15 elements</td>' in page
    assert "--rnn-goldens-gradients" in page


def test_a_cause_is_printed_once_before_the_goldens(run: Run) -> None:
    output = run(
        "report", "users_nets:reversed_steps", "-k", "rnn-tanh/plain or rnn-tanh/unbatched", code=FINDING
    ).stdout
    assert "    x_reversed: Visits the time steps of x in reverse order.\n" in output
    assert "    to see the code: rnn-goldens explain x_reversed\n" in output
    assert output.count("x_reversed") == 2
    assert output.index("x_reversed") < output.index("  rnn-tanh/plain in float64 and ")
    assert max(map(len, output.splitlines())) <= WIDTH


def test_a_report_that_cannot_be_written_is_still_printed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    paths = "--page=no/page.html", "--output=no/results.json", "--badge=folder"
    done = run("report", "users_nets:right", *paths, *ONLY, code=WRONG_USE)
    assert "passed" in done.stdout
    reasons = {
        "no/page.html": "there is no folder ",
        "no/results.json": "there is no folder ",
        "folder": "Is a directory",
    }
    for path, why in reasons.items():
        assert f"{path} cannot be written: {why}" in done.stderr
    done = run("report", "users_nets:right", "--page=pipe", *ONLY, code=WRONG_USE)
    first, last = done.stderr.splitlines()
    assert first == "pipe cannot be written: it is a pipe or a device, not a file"
    assert last == f"Error: {first}"
    assert "passed" in done.stdout


def test_a_file_size_limit_keeps_the_earlier_report(run: Run, tmp_path: Path) -> None:
    selection = ("report", "numpy", "-k", "single-sequence")
    run(*selection)
    before = (tmp_path / "conformance.json").read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", WITH_FILE_SIZE_LIMIT, str(len(before) - 1), *selection, "--page", "page.md"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # bytecode files would be cut off, too
        capture_output=True,
        text=True,
        check=False,
    )
    reason = os.strerror(errno.EFBIG)
    assert (done.returncode, done.stderr) == (WRONG_USE, f"Error: conformance.json cannot be written: {reason}\n")
    assert done.stdout == "numpy           4 passed\nwrote page.md\n"
    assert (tmp_path / "conformance.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "conformance.json",
        "page.md",
        "users_nets.py",
    ]


def test_a_report_without_checks_fails(run: Run) -> None:
    done = run("report", "users_nets:unable", *ONLY, code=FINDING)
    assert "users_nets:unable: nothing was checked\n" in done.stdout


def test_another_report_can_be_included(run: Run, tmp_path: Path) -> None:
    run("report", "users_nets:unable", "--output", "elsewhere.json", code=FINDING)
    done = run("report", "users_nets:skips", "--with", "elsewhere.json", "--page", "page.md", code=FINDING)
    assert "users_nets:skips: nothing was checked\n" in done.stdout
    assert [i["name"] for i in document(tmp_path)["implementations"]] == ["users_nets:skips", "users_nets:unable"]
    assert re.search(r"^- `users_nets:unable`, [\d,]+ goldens", (tmp_path / "page.md").read_text("utf-8"), re.M)


def test_options_that_do_not_apply_to_included_reports_are_wrong_use(
    run: Run, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    run("report", "numpy", "--output", "elsewhere.json", *ONLY)
    for also, why in (
        (("--page", "page.html"), "an HTML page needs results per golden, which a conformance.json lacks"),
        (("--badge", "badge.json"), "a badge covers only what is checked here"),
        (ONLY, "the other report covers every golden: leave out --with or -k"),
        (("--ids", "gru/plain"), "the other report covers every golden: leave out --with or --ids"),
        (("--dtype", "float32"), "the other report covers every golden: leave out --with or --dtype"),
    ):
        with subtests.test(why):
            done = run("report", "users_nets:right", "--with", "elsewhere.json", *also, code=WRONG_USE)
            assert done.stderr.startswith(f"Error: --with: {why}")
            assert not (tmp_path / "conformance.json").exists()


def test_an_unknown_implementation_is_wrong_use(run: Run, tmp_path: Path) -> None:
    done = run("report", "nunpy", code=WRONG_USE)
    assert "Error: no implementation 'nunpy'. Did you mean 'numpy'?" in done.stderr
    assert not (tmp_path / "conformance.json").exists()


def test_an_implementation_that_cannot_be_checked_does_not_affect_others(run: Run, tmp_path: Path) -> None:
    done = run("report", "users_nets:no_such_net", "numpy", *ONLY, code=FINDING)
    assert "Error: users_nets:no_such_net could not be checked: " in done.stderr
    assert "has no 'no_such_net'" in done.stderr
    assert [i["name"] for i in document(tmp_path)["implementations"]] == ["numpy"]


def test_wrong_use_of_a_class_is_reported_in_one_line(run: Run) -> None:
    done = run("report", "users_nets:Renamed", *ONLY, "-n", "2", code=WRONG_USE)
    message = "Error: users_nets:Renamed could not be checked: Renamed names its weights W, U; PyTorch's names are "
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_the_time_limit_applies_to_programs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sleeps.py").write_text("import time; time.sleep(60)")
    program = f"{sys.executable} sleeps.py"
    done = run("report", "--program", program, "--time-limit", "0.2", "-k", "single-sequence", code=WRONG_USE)
    assert "printed no hello within 0.6 s" in done.stderr  # a program may take three times the limit to start


def test_recurrences_are_reported_by_contract(run: Run, tmp_path: Path) -> None:
    select = ("numpy", "--cell", "min_gru")
    run("report", *select, "--output", "default.json")
    run("report", *select, "--profile", "step,all-stored", "--with", "default.json", "--page", "page.md")
    declared, default = document(tmp_path)["implementations"]
    assert (declared["profile"], "profile" in default) == (["step", "all-stored"], False)
    for row in (declared, default):
        counted = {r["dtype"]: r["passed"] for r in row["results"] if r["cell"] == "min_gru"}
        assert counted["float32"] == counted["bfloat16"] > 0
    assert re.findall(r"^\| (`numpy` \| .*? \|)", (tmp_path / "page.md").read_text("utf-8"), re.MULTILINE) == [
        "`numpy` | step, all-stored |",
        "`numpy` | chunk=64, float32-inside |",
    ]
    run("report", *select, "--profile", "tf32", "--gradients", "--page", "tf32.md")
    page = (tmp_path / "tf32.md").read_text("utf-8")
    assert page.count("| `numpy` | tf32, chunk=64, float32-inside |") == 2  # outputs and gradients
    unknown = run("report", *select, "--profile", "tf33", code=WRONG_USE)
    assert unknown.stderr.startswith("Error: no profile 'tf33'. Did you mean 'tf32'?")
    twice = run("report", *select, "--with", "default.json", code=FINDING)
    assert "numpy is checked here, too" in twice.stderr
