"""The commands, run as processes."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from command_line.conftest import in_a_terminal

from rnn_goldens.command_line import cli, main
from rnn_goldens.corpus import open_corpus
from rnn_goldens.golden.built_in_cells import CELLS, DIALECTS
from rnn_goldens.golden.recurrences import INTEGER_LSTMS, RECURRENCES
from rnn_goldens.schema import problems

Run = Callable[..., "subprocess.CompletedProcess[str]"]
GOOD, FINDING, WRONG_USE = 0, 1, 2


@pytest.mark.slow
def test_help_lists_commands_and_the_command_line_imports_nothing_heavy(run: Run) -> None:
    shown = run("--help").stdout
    for command in cli.commands.keys() - {"check-here"}:  # which runs check in another process
        assert command in shown
        assert "Usage: rnn-goldens" in run(command, "--help").stdout
    program = "import sys; from rnn_goldens.command_line import cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "h5py", "jsonschema", "rich", "pytest", "torch"} & set(loaded)


@pytest.mark.slow
def test_list_starts_with_the_simplest_golden_and_can_be_filtered(run: Run) -> None:
    ids = [line.split()[0] for line in run("list").stdout.splitlines() if line.startswith("documented/")]
    assert ids[0] == "documented/single-sequence"
    filtered = run("list", "*/mini-*", "--features", "exact", "--without", "state", "--cell", "rnn_relu").stdout
    assert "documented/mini-batch-ascending" in filtered
    assert "single" not in filtered
    assert "Did you mean 'lstm'" in run("list", "--cell", "lsmt", code=WRONG_USE).stderr


def test_list_dialects_has_every_cell_that_only_a_name_selects(run: Run) -> None:
    names = [*DIALECTS, *RECURRENCES, *INTEGER_LSTMS]
    lines = [line.split()[0] for line in run("list", "--dialects").stdout.splitlines() if line]
    assert [first for first in lines if first in names] == names
    listed = json.loads(run("list", "--dialects", "--json").stdout)
    kinds = ("dialect", "recurrence", "integer_lstm")
    assert [next(cell[kind] for kind in kinds if kind in cell) for cell in listed] == names
    assert listed[-1]["weights"]["W_i"] == "hidden_size input_size"


def test_help_of_options_that_select_names_integer_lstms(run: Run) -> None:
    for command in ("list", "check"):
        text = " ".join(run(command, "--help").stdout.split()).replace("rnn- goldens", "rnn-goldens")
        assert "or a dialect, recurrence or integer LSTM of rnn-goldens list --dialects." in text
        assert "(default of tests and check: float32), or int8, int16 of integer LSTMs." in text


@pytest.mark.slow
def test_list_and_show_print_json(run: Run) -> None:
    (listed,) = json.loads(run("list", "documented/single-*", "--json").stdout)
    assert (listed["id"], listed["cell"], listed["corpus"]) == ("documented/single-sequence", "rnn_relu", "rnn-goldens")
    shown = run("show", "documented/single-sequence", "--json").stdout
    assert shown == Path(listed["files"]["json"]).read_text("utf-8")
    assert problems(json.loads(shown), "golden") == []
    assert json.loads(run("list", "--json", "--features", "chaotic", "--cell", "rnn_relu").stdout) == []


@pytest.mark.slow
def test_list_prints_the_index_as_json(run: Run) -> None:
    corpus = open_corpus()
    index = json.loads((corpus.folder / "index.json").read_text("utf-8"))
    listed = json.loads(run("list", "--json").stdout)
    for golden in listed:
        assert (golden.pop("corpus"), golden.pop("version")) == (index["corpus"], index["version"])
        for files in (golden["files"], golden.get("gradients", {}).get("files", {})):
            for kind, path in files.items():
                relative = Path(path).relative_to(corpus.folder).as_posix()
                files[kind] = {"path": relative, "sha256": sha256(Path(path).read_bytes()).hexdigest()}
    assert listed == [golden for golden in index["goldens"] if golden["cell"] in CELLS]
    assert problems({**index, "goldens": listed}, "index") == []


@pytest.mark.slow
def test_show_prints_all_properties_of_a_golden(run: Run) -> None:
    shown = run("show", "documented/identity-w-hh").stdout
    properties = ("purpose", "teaching notebook", "input_size=5, hidden_size=2", "zero: every partial sum", "torch 2")
    arrays = ("weight_ih_l0 (2, 5)", "x (2, 3, 5)", "out (2, 3, 2)", "h_n (1, 2, 2)", "[18. 12.]")
    assert [part for part in (*properties, *arrays) if part not in shown] == []
    assert "Did you mean 'documented/mini-batch'" in run("show", "documented/minibatch", code=WRONG_USE).stderr


def test_show_prints_each_parameter_of_an_integer_lstm_in_its_own_line(run: Run) -> None:
    config = run("show", "lstm-int8-tflm/plain").stdout.partition("config")[2].partition("features")[0]
    assert "\n              R_shift=[-2, -1, -2, -1]\n" in config
    assert max(map(len, config.splitlines())) <= 80


@pytest.mark.slow
def test_check_passes_a_correct_implementation_and_fails_a_wrong_one(run: Run) -> None:
    assert "4 passed" in run("check", "users_nets:right", "-k", "documented").stdout
    failed = run("check", "users_nets:stale", "-k", "documented and single", code=FINDING).stdout
    assert "documented/single-sequence in float32: out is first wrong at time step 1 (batch 0, unit 0)" in failed


@pytest.mark.slow
def test_check_passes_other_arguments_to_pytest(run: Run, tmp_path: Path) -> None:
    options = ("-k", "documented/mini-batch", "-n", "2", "--junitxml=junit.xml", "--rnn-goldens-dtype=float64,bfloat16")
    assert "4 passed" in run("check", "numpy", *options).stdout
    assert (tmp_path / "junit.xml").read_text().count("<testcase") == 4
    assert "1 failed" in run("check", "users_nets:stale", "-x", code=FINDING).stdout
    assert "1 failed" in run("check", "users_nets:stale", "--lf", "-x", code=FINDING).stdout


@pytest.mark.slow
def test_check_names_its_option_for_one_that_pytest_does_not_know(run: Run) -> None:
    for given, meant in (("--precision", "--dtype"), ("--cells=lstm", "--cell")):
        done = run("check", "numpy", given, "float32", code=WRONG_USE)
        assert done.stderr.endswith(f"\nNo such option '{given.partition('=')[0]}'. Did you mean '{meant}'?\n")
    assert "No such option" not in run("check", "numpy", "--junit", "--cell=ltsm", code=WRONG_USE).stderr


@pytest.mark.slow
def test_check_distinguishes_refused_from_wrong(run: Run) -> None:
    some = run("check", "users_nets:unable_in_batches", "-k", "documented").stdout
    assert "= 1 passed, " in some
    assert ", 3 refused in " in some


@pytest.mark.slow
@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_wrong_use_of_a_class_ends_the_run_with_exit_code_2(run: Run, processes: tuple[str, ...]) -> None:
    done = run("check", "users_nets:Renamed", "-k", "documented", *processes, code=WRONG_USE)
    message = "rnn-goldens: Renamed names its weights W, U; PyTorch's names are weight_ih_l0, weight_hh_l0"
    assert done.stdout.count(f"\n{message}") == (4 if processes else 0)  # an xdist worker cannot stop the other workers
    assert "Traceback" not in done.stdout
    assert message in done.stdout


@pytest.mark.parametrize("processes", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)])
def test_a_failure_is_listed_by_its_golden_and_its_cause(
    run: Run, processes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list fits 80 columns in any working directory."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("CI", "BUILD_NUMBER"):  # with one of them set, pytest's summary repeats whole messages
        monkeypatch.delenv(name, raising=False)
    only = ("--rnn-goldens-dtype=float32", "-k", "lstm/plain or lstm/one-step")
    done = run("check", "users_nets:other_gates", *only, *processes, code=1)
    listed = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    assert "FAILED lstm/plain-float32 - lstm_gates_igfo: out is first wrong at" in "\n".join(listed)
    assert max(map(len, listed)) <= 80


def test_an_error_is_wrapped_in_a_terminal_and_one_line_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["rnn-goldens", "explain", "lstm/plane"])
    monkeypatch.setenv("COLUMNS", "80")
    for terminal in (False, True):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal)
        with pytest.raises(SystemExit):
            main()
        lines = capsys.readouterr().err.splitlines()
        assert (len(lines) == 1) is not terminal
        assert (max(map(len, lines)) <= 80) is terminal


NOTHING = "Error: nothing is selected by {}; ids look like documented/single-sequence-float32\n"


WRONG_USES = [
    (["nunpy"], "Did you mean 'numpy'"),
    (["users_nets:rihgt"], "users_nets has no 'rihgt'"),
    (["numpy", "--rnn-goldens-dtype=double"], "Precisions: float64, float32, bfloat16, float16"),
    (["numpy", "-k", "nothing"], NOTHING.format("-k nothing")),
    (["numpy", "--", "./my_rnn"], "IMPLEMENTATION 'numpy' and, after --, a COMMAND: give one of them"),
    ([], "Missing argument 'IMPLEMENTATION'"),
]

MORE_WRONG_USES = [
    ([".users_nets:right"], "'.users_nets' is not the name of a module; for a file my_rnn.py in the working directory"),
    (["../users_nets:right"], "'../users_nets' is not the name of a module"),
    (["numpy", "--rnn-goldens-corpus=v9"], "no corpus 'v9'"),
    (["numpy", "-k", "neither and nor", "-n", "2"], NOTHING.format("-k 'neither and nor'")),
    (["numpy", "-m", "nothing"], NOTHING.format("-m nothing")),
]
"""More arguments of the same kinds, for the slow tests."""


@pytest.mark.sampled(every=4)
@pytest.mark.parametrize(
    ("arguments", "message"), [*WRONG_USES, *(pytest.param(*each, marks=pytest.mark.slow) for each in MORE_WRONG_USES)]
)
def test_wrong_use_of_check_is_an_error(run: Run, arguments: list[str], message: str) -> None:
    done = run("check", *arguments, code=WRONG_USE)
    assert message in done.stdout + done.stderr


def test_protocol_prints_the_messages_of_one_golden(run: Run) -> None:
    hello, supports, request, outputs = map(json.loads, run("protocol").stdout.splitlines())
    assert (hello["request"], supports["answer"]) == ("hello", "hello")
    assert (request["request"], request["golden"], request["precision"]) == (
        "run",
        "documented/single-sequence",
        "float32",
    )
    assert outputs["out"] == {"shape": [1, 3, 2], "data": [3, 3, 12, 12, 33, 33]}
    for kind, messages in (("protocol-request", [hello, request]), ("protocol-answer", [supports, outputs])):
        assert not any(problems(message, kind, 1) for message in messages)


def test_protocol_prints_the_messages_of_a_golden_in_larger_sizes(run: Run) -> None:
    *_, request, outputs = map(json.loads, run("protocol", "lstm/plain", "--embed=hidden_size=64").stdout.splitlines())
    assert request["config"]["hidden_size"] == 64
    assert outputs["h_n"]["shape"] == [1, 2, 64]
    assert "no size to embed in 'd_k'" in run("protocol", "lstm/plain", "--embed=d_k=8", code=WRONG_USE).stderr
    assert (
        "is smaller than the golden's" in run("protocol", "lstm/plain", "--embed=hidden_size=1", code=WRONG_USE).stderr
    )
    one = run("protocol", "lstm/plain", "lstm/unbatched", "--embed=batch=8", "--requests")
    assert "lstm/unbatched is refused: an unbatched golden has no batch that could grow" in one.stderr
    assert len(one.stdout.splitlines()) == 2
    mixed = run("protocol", "lstm/square", "lstm/plain", "gated-delta/square", "--embed=d_k=16", "--requests")
    assert mixed.stderr == "2 goldens are refused: it has no d_k that could grow: lstm/square, lstm/plain\n"
    assert [json.loads(line).get("golden") for line in mixed.stdout.splitlines()] == [None, "gated-delta/square"]


def test_protocol_prints_requests_for_gradients(run: Run) -> None:
    hello, supports, request, answer = map(json.loads, run("protocol", "--gradients").stdout.splitlines())
    assert (supports["protocol"], supports["features"][-1]) == (2, "gradients")
    assert list(request["cotangents"]) == ["d_out", "d_h_n"]
    assert list(answer["gradients"]) == ["x", "weight_ih_l0", "weight_hh_l0"]
    for kind, message in (("request", hello), ("request", request), ("answer", supports), ("answer", answer)):
        assert not problems(message, f"protocol-{kind}", 2)
    refused = run("protocol", "lstm/large-c", "--gradients", code=WRONG_USE).stderr
    assert "no golden with gradients 'lstm/large-c'" in refused


@pytest.mark.parametrize("options", [[], ["--gradients"]])
def test_the_page_on_programs_shows_what_protocol_prints(run: Run, options: list[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "programs.md"
    assert f"```\n{run('protocol', *options).stdout}```\n" in page.read_text("utf-8")


@pytest.mark.slow
def test_protocol_prints_the_requests_of_any_golden_without_answers(run: Run) -> None:
    hello, request = map(json.loads, run("protocol", "--requests", "lstm/plain", "--dtype=float64").stdout.splitlines())
    assert hello == {"request": "hello", "protocol": 1}
    assert (request["golden"], request["cell"], request["precision"]) == ("lstm/plain", "lstm", "float64")
    assert "Did you mean 'lstm/plain'" in run("protocol", "lstm/plane", code=WRONG_USE).stderr
    assert (
        "no precision 'float8'. Did you mean 'float64'"
        in run("protocol", "lstm/plain", "--dtype=float8", code=WRONG_USE).stderr
    )


@pytest.mark.slow
def test_validate_reports_problems_with_the_path_of_the_file(run: Run, corpus_copy: Path) -> None:
    folder, index = corpus_copy / "documented", corpus_copy / "index.json"
    assert "8 files: 8 valid, 0 invalid" in run("validate", folder).stdout
    path = folder / "mini-batch.json"
    path.write_text(path.read_text()[:-20])
    output = run("validate", folder, index, code=FINDING).stdout
    assert f"{path}: not JSON: " in output
    assert f"{path}: SHA-256 is " in output
    assert "9 files: 7 valid, 2 invalid" in output
    assert "does not exist" in run("validate", "nowhere", code=WRONG_USE).stderr
    (corpus_copy / "empty").mkdir()
    assert "no .h5 or .json file in" in run("validate", corpus_copy / "empty", code=WRONG_USE).stderr


def test_validate_and_diff_name_the_hdf5_files_that_the_wheel_does_not_carry(run: Run, corpus_copy: Path) -> None:
    listed = corpus_copy / "not-in-wheel.txt"
    listed.write_text("documented/mini-batch.h5\n")
    (corpus_copy / "documented/mini-batch.h5").unlink()
    shown = run("validate", corpus_copy).stdout
    assert shown.endswith(f" 0 invalid\nnot checked: 1 HDF5 file that the wheel does not carry: {listed}\n")
    shown = run("diff", corpus_copy, corpus_copy).stdout
    assert shown.startswith("not compared: HDF5 of 1 golden, which the wheel does not carry\n")
    missing = run("diff", corpus_copy / "documented/mini-batch.h5", "documented/mini-batch", code=FINDING).stderr
    assert "rnn-goldens export documented/mini-batch --to hdf5 FOLDER" in missing


@pytest.mark.slow
def test_a_folder_without_an_index_is_wrong_use(run: Run, tmp_path: Path) -> None:
    for command in (
        ["list", "--corpus", tmp_path],
        ["diff", tmp_path, "v2"],
        ["check", "numpy", "--rnn-goldens-corpus=."],
    ):
        done = run(*command, code=WRONG_USE)
        assert "is not a corpus: it has no index.json" in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full of Linux")
def test_a_full_disk_is_reported_in_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "rnn_goldens", "list"]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (WRONG_USE, "Error: No space left on device\n")


@pytest.mark.parametrize("width", [20, 79])
def test_list_does_not_cut_ids_in_a_narrow_terminal(tmp_path: Path, width: int) -> None:
    shown = in_a_terminal(width, "list", "documented/mini-batch-ascending", folder=tmp_path)
    lines = re.sub(r"\x1b\[\d*m|\r", "", shown).splitlines()
    assert "documented/mini-batch-ascending" in "".join(line.split("  ")[0].strip() for line in lines)


def test_list_writes_one_line_per_golden_into_a_pipe(run: Run) -> None:
    lines = run("list").stdout.splitlines()
    listed = open_corpus().select()
    assert len(lines) == len(listed) + 3
    assert {line.split()[0] for line in lines[2:-1]} == {entry.id for entry in listed}


@pytest.mark.slow
def test_diff_compares_files_ids_and_corpora(run: Run, small_corpus: Path, corpus_copy: Path) -> None:
    folder, without_gradients = corpus_copy / "documented", "exact/three-layers"
    assert "are equal in content" in run("diff", corpus_copy / f"{without_gradients}.h5", without_gradients).stdout
    assert "are equal in content" in run("diff", small_corpus, corpus_copy).stdout
    path = folder / "mini-batch.json"
    path.write_text(path.read_text().replace("51.0", "52.0", 1))
    line = "expected/out: 1 of 12 elements differ, first at (1, 2, 0): 51.0 → 52.0"
    assert line in run("diff", folder / "mini-batch.h5", path, code=FINDING).stdout
    assert f"documented/mini-batch.json: {line}" in run("diff", small_corpus, corpus_copy, code=FINDING).stdout
    assert "no golden 'documented/nothing'" in run("diff", path, "documented/nothing", code=WRONG_USE).stderr


def test_list_supports_a_corpus_of_thousands_of_goldens(run: Run, corpus_copy: Path) -> None:
    path = corpus_copy / "index.json"
    index = json.loads(path.read_text())
    first = index["goldens"][0]
    index["goldens"] = [first | {"id": f"bulk/golden-{number}"} for number in range(3000)]
    path.write_text(json.dumps(index))
    done = run("list", "--corpus", str(corpus_copy))
    *listed, total = done.stdout.splitlines()
    assert [line.split()[0] for line in listed] == [f"bulk/golden-{number}" for number in range(3000)]
    assert total.startswith("3000 of 3,000 goldens")
