"""Exported C headers compile as C99 without warnings, and a compiler reads every number exactly."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from examples.compilation import lacking
from factories.goldens import make_golden
from numpy.typing import NDArray

from rnn_goldens import Golden, load
from rnn_goldens.corpus import open_corpus
from rnn_goldens.errors import WrongUse
from rnn_goldens.export.exported_golden import identifier
from rnn_goldens.export.folder import write
from rnn_goldens.export.formats import encode
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


def arrays_in_c(golden: Golden, folder: Path) -> dict[str, list[float]]:
    """Write the C header of a golden; return its arrays as printed by a C program that includes the header."""
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
    arrays = arrays_in_c(golden, tmp_path)
    for name, array in golden.weights.items():
        assert arrays.pop(name) == flat(array)
    assert arrays.pop("x") == flat(golden.x)
    assert arrays.pop("h0") == flat(golden.h0)
    for name, certified in (("out", golden.stored.out), ("h_n", golden.stored.h_n)):
        assert arrays.pop(name) == flat(certified)
        allowed = golden.tolerance.allowed(name, certified, PRECISIONS[dtype])
        assert arrays.pop(f"{name}_tolerance") == flat(allowed)
    assert not arrays


def test_numbers_of_53_bits_and_tolerances_below_the_range_of_float_are_exact(tmp_path: Path) -> None:
    golden = load("lstm/numbers-of-53-bits", dtype="float64")
    arrays = arrays_in_c(golden, tmp_path)
    assert arrays["weight_hh_l0"] == flat(golden.weights["weight_hh_l0"])
    assert arrays["out_tolerance"] == flat(golden.tolerance.allowed("out", golden.stored.out, PRECISIONS["float64"]))


def test_sizes_and_optional_inputs_are_macros(tmp_path: Path) -> None:
    write(tmp_path, [encode(load("lstm/lengths"), "c"), encode(load("gru/bidirectional-unbatched"), "c")])
    names = ("BATCH", "TIME", "INPUT", "HIDDEN", "LAYERS", "DIRECTIONS", "HAS_BIAS", "HAS_STATE", "HAS_LENGTHS")
    macros = [f"{golden}_{name}" for golden in ("LSTM_LENGTHS", "GRU_BIDIRECTIONAL_UNBATCHED") for name in names]
    includes = '#include "lstm_lengths.h"\n#include "gru_bidirectional_unbatched.h"\n#include <stdio.h>\n'
    prints = "".join(f'printf("%d ", {name}); ' for name in macros)
    printed = compile_and_run(tmp_path, f"{includes}int main(void) {{ {prints}return lstm_lengths_lengths[0] < 1; }}\n")
    ragged, unbatched = load("lstm/lengths"), load("gru/bidirectional-unbatched")
    assert ragged.lengths is not None
    expected = [*ragged.x.shape, 3, 1, 1, 1, 1, 1, 1, *unbatched.x.shape, 3, 1, 2, 1, 1, 0]
    assert [int(number) for number in printed.split()] == expected


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [None, "float32"])
def test_headers_of_the_whole_corpus_can_be_included_together(dtype: str | None, tmp_path: Path) -> None:
    corpus = open_corpus("v1")
    chosen = {entry.id: dtype or entry.precisions[0] for entry in corpus.entries if dtype in (None, *entry.precisions)}
    write(tmp_path, [encode(corpus.load(golden_id, precision), "c") for golden_id, precision in chosen.items()])
    includes = "".join(f'#include "{path.name}"\n' for path in tmp_path.glob("*.h"))
    compile_and_run(tmp_path, f"{includes}int main(void) {{ return 0; }}\n")


@pytest.mark.parametrize(
    "purpose",
    ["*/ no longer a comment", "/* nor a warning", "ends in a trigraph ??/", "a\nnew line \x07 \u202e", "ü → ∞", "\\"],
)
def test_no_purpose_ends_the_c_comment_that_contains_it(purpose: str, tmp_path: Path) -> None:
    write(tmp_path, [encode(replace(make_golden(), purpose=purpose), "c")])
    compile_and_run(tmp_path, '#include "made_for_a_test.h"\nint main(void) { return 0; }\n')


@pytest.mark.parametrize("golden_id", ["7-bits/plain", "a/0", "double/int", "deep/er/than-two"])
def test_any_id_becomes_valid_c_names(golden_id: str, tmp_path: Path) -> None:
    write(tmp_path, [encode(replace(make_golden(), id=golden_id), "c")])
    name = identifier(golden_id)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.h"]
    compile_and_run(tmp_path, f'#include "{name}.h"\nint main(void) {{ return {name}_x[0] > 100; }}\n')


@pytest.mark.parametrize("golden_id", ["../up", "/absolute/x", "Caps/x", "no-folder", "a//b", "a/b.h"])
@pytest.mark.parametrize("to", ["c", "npz"])
def test_an_invalid_id_is_an_error(golden_id: str, to: str) -> None:
    with pytest.raises(WrongUse, match="is not a golden's id: expected folder/name"):
        encode(replace(make_golden(), id=golden_id), to)
