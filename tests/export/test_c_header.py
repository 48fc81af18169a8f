"""A golden as a C header: any C99 compiler takes it without a warning, and reads the numbers that we wrote."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import making
import numpy as np
import pytest
from examples.building import lacking
from numpy.typing import NDArray

from rnn_goldens import Golden, load
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.export.exported import identifier
from rnn_goldens.export.formats import encode
from rnn_goldens.export.writing import write
from rnn_goldens.golden.precision import PRECISIONS

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")


def compile_and_run(folder: Path, program: str) -> str:
    if shutil.which("cc") is None:
        lacking("cc is not installed")
    (folder / "program.c").write_text(program, "utf-8")
    command = ["cc", *STRICT, "-o", "program", "program.c"]
    compiled = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr
    return subprocess.run([folder / "program"], capture_output=True, text=True, check=True).stdout


def numbers_in_c(golden: Golden, folder: Path) -> dict[str, list[float]]:
    """Every array of the golden's header, as a program prints it that includes it."""
    write(folder, [encode(golden, "c")])
    name = identifier(golden.id)
    header = (folder / f"{name}.h").read_text("utf-8")
    arrays = re.findall(rf"^static const \w+ {name}_(\w+)\[\d+\] = {{$", header, re.MULTILINE)
    prints = "\n".join(
        f'    printf("{array}"); for (k = 0; k < sizeof {name}_{array} / sizeof *{name}_{array}; k++) '
        f'printf(" %a", (double){name}_{array}[k]); puts("");'
        for array in arrays
    )
    program = (
        f'#include "{name}.h"\n#include <stdio.h>\nint main(void)\n{{\n    size_t k;\n{prints}\n    return 0;\n}}\n'
    )
    lines = compile_and_run(folder, program).splitlines()
    return {line.split()[0]: [float.fromhex(number) for number in line.split()[1:]] for line in lines}


def flat(array: NDArray[np.generic]) -> list[float]:
    return [float(number) for number in array.ravel()]


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_a_compiler_reads_every_number_exactly(dtype: str, tmp_path: Path) -> None:
    golden = load("gru/bidirectional", dtype=dtype)
    found = numbers_in_c(golden, tmp_path)
    for name, array in golden.weights.items():
        assert found.pop(name) == flat(array)
    assert found.pop("x") == flat(golden.x)
    assert found.pop("h0") == flat(golden.h0)
    for name, certified in (("out", golden.stored.out), ("h_n", golden.stored.h_n)):
        assert found.pop(name) == flat(certified)
        allowed = golden.tolerance.allowed(name, certified, PRECISIONS[dtype])
        assert found.pop(f"{name}_tolerance") == flat(allowed)
    assert not found


def test_numbers_of_all_53_bits_and_tolerances_below_all_floats_are_exact_too(tmp_path: Path) -> None:
    golden = load("lstm/numbers-of-53-bits", dtype="float64")
    found = numbers_in_c(golden, tmp_path)
    assert found["weight_hh_l0"] == flat(golden.weights["weight_hh_l0"])
    assert found["out_tolerance"] == flat(golden.tolerance.allowed("out", golden.stored.out, PRECISIONS["float64"]))


def test_sizes_and_what_is_there_are_macros(tmp_path: Path) -> None:
    write(tmp_path, [encode(load("lstm/lengths"), "c"), encode(load("gru/bidirectional-unbatched"), "c")])
    names = ("BATCH", "TIME", "INPUT", "HIDDEN", "LAYERS", "DIRECTIONS", "HAS_BIAS", "HAS_STATE", "HAS_LENGTHS")
    asked = [f"{golden}_{name}" for golden in ("LSTM_LENGTHS", "GRU_BIDIRECTIONAL_UNBATCHED") for name in names]
    includes = '#include "lstm_lengths.h"\n#include "gru_bidirectional_unbatched.h"\n#include <stdio.h>\n'
    prints = "".join(f'printf("%d ", {name}); ' for name in asked)
    printed = compile_and_run(tmp_path, f"{includes}int main(void) {{ {prints}return lstm_lengths_lengths[0] < 1; }}\n")
    ragged, unbatched = load("lstm/lengths"), load("gru/bidirectional-unbatched")
    assert ragged.lengths is not None
    wanted = [*ragged.x.shape, 3, 1, 1, 1, 1, 1, 1, *unbatched.x.shape, 3, 1, 2, 1, 1, 0]
    assert [int(number) for number in printed.split()] == wanted


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [None, "float32"])
def test_headers_of_the_whole_corpus_stand_in_one_program(dtype: str | None, tmp_path: Path) -> None:
    corpus = open_corpus("v1")
    chosen = {entry.id: dtype or entry.precisions[0] for entry in corpus.entries if dtype in (None, *entry.precisions)}
    write(tmp_path, [encode(corpus.load(golden_id, precision), "c") for golden_id, precision in chosen.items()])
    includes = "".join(f'#include "{path.name}"\n' for path in tmp_path.glob("*.h"))
    compile_and_run(tmp_path, f"{includes}int main(void) {{ return 0; }}\n")


@pytest.mark.parametrize(
    "purpose",
    ["*/ no longer a comment", "/* nor a warning", "ends in a trigraph ??/", "a\nnew line \x07 \u202e", "ü → ∞", "\\"],
)
def test_no_purpose_leaves_its_comment(purpose: str, tmp_path: Path) -> None:
    write(tmp_path, [encode(replace(making.make_golden(), purpose=purpose), "c")])
    compile_and_run(tmp_path, '#include "made_for_a_test.h"\nint main(void) { return 0; }\n')


@pytest.mark.parametrize("golden_id", ["7-bits/plain", "a/0", "double/int", "deep/er/than-two"])
def test_any_id_gives_names_that_c_takes(golden_id: str, tmp_path: Path) -> None:
    write(tmp_path, [encode(replace(making.make_golden(), id=golden_id), "c")])
    name = identifier(golden_id)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.h"]
    compile_and_run(tmp_path, f'#include "{name}.h"\nint main(void) {{ return {name}_x[0] > 100; }}\n')


@pytest.mark.parametrize("golden_id", ["../up", "/absolute/x", "Caps/x", "no-folder", "a//b", "a/b.h"])
@pytest.mark.parametrize("to", ["c", "npz"])
def test_an_id_that_could_lead_elsewhere_is_refused(golden_id: str, to: str) -> None:
    with pytest.raises(WrongUse, match="is no id of a golden: it is folder/name"):
        encode(replace(making.make_golden(), id=golden_id), to)
