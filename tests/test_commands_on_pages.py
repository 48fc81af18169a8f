"""Files on a page are written into an empty folder; its commands print what the page shows, and its snippets run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_goldens import Golden, GoldenMismatch
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.recurrences import RECURRENCES

ROOT = Path(__file__).parents[1]
CUSTOM, CELLS, OWN, START, FUZZING, EXPORT, RECURRENT, STANDARDS, SERVING = (
    (ROOT / f"docs/{name}.md").read_text("utf-8")
    for name in (
        *("own-goldens", "own-cells", "own-recurrences", "start", "fuzzing"),
        *("export", "linear-recurrences", "standards", "serving"),
    )
)
FILE = re.compile(r"`(\w+\.\w+)`:\n\n```\w+\n(.*?)```", re.DOTALL)
BLOCK = re.compile(r"^```\n(\$ .*?)```", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", re.MULTILINE)


def run(command: str, folder: Path) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "PYTHONDONTWRITEBYTECODE": "1",  # Python would run old bytecode of a file that was edited within one second
    }
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    return done.stdout + done.stderr


def files_of(page: str, folder: Path) -> list[str]:
    """Write the files of a page; return their names."""
    for name, text in FILE.findall(page):
        (folder / name).write_text(text, "utf-8")
    return [name for name, _ in FILE.findall(page)]


GATES = "i, f, g, o = np.split(a, 4, axis=1)"
STEPS = "(k2, v2, beta2)"
BIASES = 'b_hf, b_hn = np.split(w["bias_hh_l0"], 2)'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "files", "right", "wrong"),
    [
        (CUSTOM, "train.py my_scenarios.py test_my_lstm.py pytest.ini", GATES, GATES.replace("f, g, o", "o, f, g")),
        (CELLS, "my_cells.py my_scenarios.py test_my_mgu.py", BIASES, "b_hf, b_hn = 0, 0"),
        (OWN, "my_recurrences.py my_scenarios.py my_kernel.py", STEPS, STEPS.replace("beta2", "beta1")),
        (START, "my_lstm.py look.py test_with_unittest.py", GATES, GATES.replace("g, o", "o, g")),
    ],
    ids=["custom-goldens", "custom-cells", "custom-recurrences", "without-pytest"],
)
def test_a_tutorial_shows_what_is_printed(tmp_path: Path, page: str, files: str, right: str, wrong: str) -> None:
    assert files_of(page, tmp_path) == files.split()
    (test,) = (name for name in files.split() if right in (tmp_path / name).read_text("utf-8"))
    assert f"`{wrong}`" in page
    assert len(BLOCK.findall(page)) > 2
    for block in BLOCK.findall(page):
        if re.search(r"^F+( |$)|what is wrong", block, re.MULTILINE):  # the block shows a failure: break the test
            (tmp_path / test).write_text((tmp_path / test).read_text("utf-8").replace(right, wrong), "utf-8")
        for command, shown in COMMAND.findall(block):
            printed = run(command, tmp_path)
            assert [line for line in shown.splitlines() if line not in printed] == [], f"{command} printed\n{printed}"


@pytest.mark.slow
def test_the_page_on_fuzzing_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--hypothesis-profile=ci")  # deterministic, without a deadline
    assert files_of(FUZZING, tmp_path) == ["my_lstm.py", "test_my_lstm.py"]
    (tmp_path / "my_rnn.py").write_text((ROOT / "examples/programs/my_rnn.py").read_text("utf-8"), "utf-8")
    commands = COMMAND.findall("".join(BLOCK.findall(FUZZING)))
    assert len(commands) == 8
    for command, output in commands:
        printed = run(command, tmp_path)
        for lines in output.split("…\n"):
            assert f"\n{lines}" in f"\n{printed}", f"{command} printed\n{printed}"


def test_the_sizes_on_the_page_on_fuzzing_are_the_defaults() -> None:
    from rnn_goldens.fuzz.bounds import Sizes
    from rnn_goldens.fuzz.drawn_inputs import SMALL

    defaults = ", ".join(str(size) for size in vars(Sizes()).values())
    *others, last = (str(size) for size in vars(SMALL).values())
    assert f"| {defaults} by default. Most goldens have at most {', '.join(others)} and {last};" in FUZZING


@pytest.mark.slow
def test_the_page_on_export_shows_what_is_printed_and_the_files_of_a_test_case(tmp_path: Path) -> None:
    assert files_of(EXPORT, tmp_path) == ["run_vectors.py", "read_golden.py"]
    commands = COMMAND.findall(EXPORT)
    assert len(commands) == 9
    for command, shown in commands:
        assert run(command, tmp_path) == shown, command
    run("rnn-goldens export lstm/plain --to onnx one", tmp_path)
    listed = re.findall(r"^vectors/(test_lstm_plain/\S+)", EXPORT, re.MULTILINE)
    written = (path for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert sorted(listed) == sorted(path.relative_to(tmp_path / "one").as_posix() for path in written)


@pytest.mark.slow
def test_snippets_on_custom_goldens_run(tmp_path: Path) -> None:
    without_files, with_gradients, large = (
        re.findall(rf"^## {heading}\n\n.*?```python\n(.*?)```", CUSTOM, re.DOTALL | re.MULTILINE)[0]
        for heading in ("Without files", "With gradients", "Large corpora and clusters")
    )
    subprocess.run([sys.executable, "-c", without_files], cwd=tmp_path, check=True)
    files_of(CUSTOM, tmp_path)
    scenarios = tmp_path / "my_scenarios.py"
    scenarios.write_text(f"{scenarios.read_text('utf-8')}\nSCENARIOS = [{with_gradients}]\n", "utf-8")
    run("python train.py", tmp_path)
    assert "new       mine/backward" in run("rnn-goldens generate --scenarios my_scenarios.py --into goldens", tmp_path)
    assert "1 passed" in run("rnn-goldens check torch --rnn-goldens-gradients --rnn-goldens-corpus=goldens", tmp_path)
    scenarios.unlink()
    run("rnn-goldens generate --new my_scenarios.py", tmp_path)
    (tmp_path / "make.py").write_text(large.replace('"goldens"', '"large"'), "utf-8")
    assert run("python make.py", tmp_path) == "new mine/gru\n"
    assert open_corpus(tmp_path / "large").ids == ["mine/gru"]


def test_commands_for_large_corpora_use_existing_options() -> None:
    from rnn_goldens.command_line.generate import generate

    options = {option for parameter in generate.params for option in parameter.opts}
    large = CUSTOM.partition("\n## Large corpora and clusters\n")[2]
    for command in re.findall(r"^rnn-goldens generate (.*)$", large, re.MULTILINE):
        assert set(re.findall(r"--[a-z]+", command)) <= options


LEAVES_OUT_PADDING = "        if places[0] < 0:\n            continue  # padding: no sequence is here\n"


@pytest.mark.slow
def test_the_page_on_serving_shows_what_is_printed(tmp_path: Path) -> None:
    right = {name: (ROOT / f"examples/serving/{name}").read_text("utf-8") for name in ("paged.py", "stateful_lstm.py")}
    assert LEAVES_OUT_PADDING in right["paged.py"]
    commands = COMMAND.findall("".join(BLOCK.findall(SERVING)))
    assert len(commands) == 4
    for command, shown in commands:
        for name, source in right.items():
            (tmp_path / name).write_text(source.replace(LEAVES_OUT_PADDING, "") if shown else source, "utf-8")
        printed = run(command, tmp_path)
        assert shown or re.search(r"^=+ \d+ passed in ", printed, re.MULTILINE), f"{command} printed\n{printed}"
        assert [line for line in shown.splitlines() if line not in printed] == [], f"{command} printed\n{printed}"


KERNEL, TEST, STATES, SCENARIO = re.findall(r"^```python\n(.*?)^```$", RECURRENT, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kernel", "printed"),
    [
        (KERNEL, " passed in "),
        (KERNEL.replace(" * scale  #", "  #"), "no other does: scale_left_out"),
    ],
    ids=["right", "without-scale"],
)
def test_the_kernel_on_the_page_passes_and_fails_with_one_cause_without_its_scale(
    tmp_path: Path, kernel: str, printed: str
) -> None:
    (tmp_path / "my.py").write_text(kernel)
    (tmp_path / "test_my.py").write_text(TEST)
    output = " ".join(run("python -m pytest -q -p no:cacheprovider test_my.py", tmp_path).split())
    assert printed in output
    assert ("failed" in output) == (kernel != KERNEL)


@pytest.mark.parametrize("late", [False, True])
def test_snapshots_of_the_kernel_on_the_page_are_compared(
    late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my.py").write_text(KERNEL)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my", raising=False)
    if not late:
        exec(STATES, {})
        return
    with pytest.raises(GoldenMismatch, match="S after step 16 is the initial state"):
        exec(
            STATES.replace("o, S = gated_delta", "before = S\n    o, S = gated_delta").replace(
                '{"S": S}', '{"S": before}'
            ),
            {},
        )


def test_the_recurrence_on_the_page_is_certified_and_names_of_arrays_are_those_of_the_data() -> None:
    names: dict[str, object] = {}
    exec(SCENARIO, names)
    assert isinstance(names["golden"], Golden)
    for cell, recurrence in RECURRENCES.items():
        for name in (f"`{cell}`", *recurrence.inputs, *recurrence.weights, *recurrence.outputs):
            assert re.search(rf"(?<!\w){name}(?!\w)", RECURRENT), name


def test_the_page_for_standards_has_its_permanent_anchors_and_cites_the_current_corpus() -> None:
    promised = re.findall(r"`#([a-z-]+)`", STANDARDS)
    assert promised == [
        *("expected-values", "tolerance-statement", "rule-table", "kill-matrix", "accuracy-of-operators"),
        "conformance-statement",
    ]
    headings = re.findall(r"^## (.*)$", STANDARDS, re.MULTILINE)
    assert set(promised) < {heading.lower().replace(" ", "-") for heading in headings}
    version, golden_id, content = re.findall(r"corpus ([\d.]+), golden `(\S+)`, content `(\w+)…`", STANDARDS)[0]
    corpus = open_corpus()
    assert corpus.version == version
    assert corpus.entry(golden_id).content.startswith(content)
    assert f"corpus {corpus.version} of the cells" in STANDARDS
