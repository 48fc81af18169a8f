"""Goldens exported as C headers."""

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
from rnn_goldens.export.exported_golden import encode, files, identifier, write
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
    corpus = open_corpus()
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


Outputs = dict[str, NDArray[np.float64]]


def printed(golden: Golden, outputs: Outputs, folder: Path) -> str:
    """Return what the checks of a C program print about outputs, and the number of wrong elements by output."""
    write(folder, files("c", [encode(golden, "c")]).all, replace=True)
    name, real = identifier(golden.id), "double" if golden.dtype == "float64" else "float"
    arrays = "".join(
        f"static {real} {output}[] = {{{', '.join(_literal(x) for x in array.ravel().tolist())}}};\n"
        for output, array in outputs.items()
    )
    checks = "".join(
        f'    printf("{output} %d\\n", rnn_goldens_check_{real}(&{name}_{output}_expected, {output}));\n'
        for output in outputs
    )
    program = f'#include "rnn_goldens.h"\n#include "{name}.h"\n{arrays}int main(void)\n{{\n{checks}    return 0;\n}}\n'
    return compile_and_run(folder, program)


def _literal(number: float) -> str:
    return number.hex() if np.isfinite(number) else "NAN" if np.isnan(number) else f"{np.sign(number)} * INFINITY"


def expected_in_precision(golden: Golden) -> Outputs:
    return {name: getattr(golden, name).astype(np.float64) for name in golden.stored.expected}


@pytest.mark.parametrize("golden_id", ["lstm/plain", "gru/bidirectional-unbatched", "exact/lengths"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_expected_outputs_pass(golden_id: str, dtype: str, tmp_path: Path) -> None:
    golden = load(golden_id, dtype=dtype)
    found = printed(golden, expected_in_precision(golden), tmp_path)
    assert found == "".join(f"{name} 0\n" for name in golden.stored.expected)


def test_the_first_wrong_element_is_the_one_of_the_earliest_time_step(tmp_path: Path) -> None:
    golden = load("lstm/plain", dtype="float32")
    outputs = expected_in_precision(golden)
    outputs["out"][0, 2, 1] = outputs["out"][1, 1, 2] = 3
    assert printed(golden, outputs, tmp_path).splitlines()[0] == (
        "lstm/plain: out: 2 of 24 elements are wrong; first at batch 1, time step 1, unit 2: got 3, want -0.270398297,"
        " allowed is 1.55e-06"
    )


def test_the_reverse_direction_is_computed_from_the_length_of_each_sequence(tmp_path: Path) -> None:
    golden = load("gru/bidirectional-unbatched", dtype="float32")
    outputs = expected_in_precision(golden)
    outputs["out"][:, 3:] = 3
    assert "first at time step 3, unit 0, reverse direction: got 3" in printed(golden, outputs, tmp_path)
    assert (
        golden.compare(outputs["out"], golden.h_n)
        .message.splitlines()[0]
        .endswith("time step 3 (unit 0, reverse direction): got 3.0, want 0.16631544 (12 of 24 elements wrong)")
    )
    golden = load("lstm/lengths-bidirectional", dtype="float32")
    assert golden.lengths is not None
    outputs = expected_in_precision(golden)
    row, hidden = int(golden.lengths.argmin()), golden.network.hidden_size
    outputs["out"][row, :, hidden:] = 3
    last = golden.lengths[row] - 1
    assert f"first at batch {row}, time step {last}, unit 0, reverse" in printed(golden, outputs, tmp_path)


def test_a_verdict_keeps_that_an_element_is_nan(tmp_path: Path) -> None:
    golden = load("lstm/plain", dtype="float32")
    write(tmp_path, files("c", [encode(golden, "c")]).all)
    program = """
        #include "rnn_goldens.h"
        #include "lstm_plain.h"
        int main(void)
        {
            float out[24];
            int k;
            for (k = 0; k < 24; k++) out[k] = k == 3 ? NAN : (float)lstm_plain_out[k];
            rnn_goldens_verdict found = rnn_goldens_compare_float(&lstm_plain_out_expected, out);
            printf("%d %d %d", found.wrong, found.first, found.largest_error != found.largest_error);
            return 0;
        }
    """
    assert compile_and_run(tmp_path, program) == "1 3 1"


@pytest.mark.parametrize("compiler", [["cc", "-xc", "-std=c99"], ["c++", "-xc++", "-std=c++17"]])
@pytest.mark.parametrize("options", [["-ffast-math"], ["-O1", "-ffinite-math-only"], ["-Os", "-ffinite-math-only"]])
def test_a_compiler_that_drops_nan_is_refused(compiler: list[str], options: list[str]) -> None:
    if shutil.which(compiler[0]) is None:
        lacking(f"{compiler[0]} is not installed")
    header = Path(__file__).parents[2] / "c/rnn_goldens.h"
    done = subprocess.run([*compiler, *options, "-fsyntax-only", header], capture_output=True, text=True, check=False)
    assert done.returncode
    assert "leave out -ffast-math, -ffinite-math-only" in done.stderr


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_wrong(wrong: float, tmp_path: Path) -> None:
    golden = load("gru/plain", dtype="float32")
    outputs = expected_in_precision(golden)
    outputs["h_n"][0, 0, 0] = wrong
    assert "h_n 1\n" in printed(golden, outputs, tmp_path)


@pytest.mark.parametrize(("times", "wrong"), [(0.9, 0), (1.1, 1)])
def test_an_element_may_be_off_by_its_own_tolerance(times: float, wrong: int, tmp_path: Path) -> None:
    golden = load("gru/plain", dtype="float64")
    outputs = {name: array.copy() for name, array in golden.stored.expected.items()}
    allowed = golden.expected_of().allowed("out")
    place = np.unravel_index(int(allowed.argmin()), allowed.shape)
    outputs["out"][place] += times * allowed[place]
    assert f"out {wrong}\n" in printed(golden, outputs, tmp_path)


INTEGERS = ("lstm-int8-cmsis/zero-points", "lstm-16x8-tflm/state")


@pytest.mark.parametrize("golden_id", INTEGERS)
def test_integer_arrays_have_their_types_and_numbers(golden_id: str, tmp_path: Path) -> None:
    golden = load(golden_id)
    arrays = arrays_in_c(golden, tmp_path)
    for name, array in {**golden.weights, **golden.inputs, **golden.states, **golden.expected}.items():
        assert arrays[name] == flat(array), name
    assert arrays["W_multiplier"] == golden.config["W_multiplier"]
    header = (tmp_path / f"{identifier(golden_id)}.h").read_text("utf-8")
    assert f"static const {golden.dtype}_t {identifier(golden_id)}_out[" in header
    assert f"#define {identifier(golden_id).upper()}_X_ZERO {golden.config['x_zero']}\n" in header
    assert "HAS_OFFSETS" not in header
    assert '"sequence"' not in header


@pytest.mark.parametrize(
    ("golden_id", "is_single"),
    [("lstm-int8-cmsis/single-rounding", 1), ("lstm-16x8-cmsis/plain", 0), ("lstm-int8-tflite/plain", 0)],
)
def test_a_program_over_all_integer_goldens_can_select_the_rounding(
    golden_id: str, is_single: int, tmp_path: Path
) -> None:
    write(tmp_path, [encode(load(golden_id), "c")])
    name = identifier(golden_id)
    program = (
        f'#include "{name}.h"\n#include <stdio.h>\nint main(void)\n{{\n#if {name.upper()}_SINGLE_ROUNDING\n'
        '    puts("single");\n#else\n    puts("double");\n#endif\n    return 0;\n}\n'
    )
    assert compile_and_run(tmp_path, program) == f"{'single' if is_single else 'double'}\n"
    header = (tmp_path / f"{name}.h").read_text("utf-8")
    assert f"#define {name.upper()}_SINGLE_ROUNDING {is_single}\n" in header


@pytest.mark.parametrize("golden_id", INTEGERS)
def test_the_checker_says_where_an_integer_is_wrong(golden_id: str, tmp_path: Path) -> None:
    golden, name = load(golden_id), identifier(golden_id)
    write(tmp_path, files("c", [encode(golden, "c")]).all)
    kind, other = ("int8", "int16") if golden.dtype == "int8" else ("int16", "int8")
    units = golden.out.shape[-1]
    wrong = f"{units} * {golden.time} + {units} + 2"  # row 1, time step 1, unit 2
    program = (
        f'#include "rnn_goldens.h"\n#include "{name}.h"\n#include <string.h>\nint main(void)\n{{\n'
        f"    static {kind}_t out[sizeof {name}_out / sizeof *{name}_out];\n    memcpy(out, {name}_out, sizeof out);\n"
        f'    printf("%d\\n", rnn_goldens_check_{kind}(&{name}_out_expected, out));\n    out[{wrong}]++;\n'
        f'    printf("%d\\n", rnn_goldens_check_{kind}(&{name}_out_expected, out));\n'
        f'    printf("%d\\n", rnn_goldens_check_{other}(&{name}_out_expected, (const {other}_t *)(const void *)out));\n'
        "    return 0;\n}\n"
    )
    got = int(golden.out[1, 1, 2])
    bits = golden.out.itemsize * 8
    assert compile_and_run(tmp_path, program).splitlines() == [
        "0",
        f"{golden_id}: out: 1 of {golden.out.size} elements are wrong; first at batch 1, time step 1, unit 2: "
        f"got {got + 1}, want {got}",
        "1",
        f"{golden_id}: out has {bits} bits, not {24 - bits}",
        "-1",
    ]
