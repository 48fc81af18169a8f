"""rnn_goldens.h compares as Python does, and says which element is first wrong."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from examples.compilation import lacking
from export.test_c_header import compile_and_run
from numpy.typing import NDArray

from rnn_goldens import Golden, load
from rnn_goldens.export.exported_golden import identifier
from rnn_goldens.export.folder import write
from rnn_goldens.export.formats import encode, files

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


def test_the_reverse_direction_is_computed_from_the_end_of_a_sequence(tmp_path: Path) -> None:
    golden = load("gru/bidirectional-unbatched", dtype="float32")
    outputs = expected_in_precision(golden)
    outputs["out"][:, 3:] = 3
    assert "first at time step 3, unit 0, reverse direction: got 3" in printed(golden, outputs, tmp_path)
    assert (
        golden.compare(outputs["out"], golden.h_n)
        .message.splitlines()[0]
        .endswith("time step 3 (unit 0, reverse direction): got 3.0, want 0.16631544 (12 of 24 elements wrong)")
    )


def test_the_reverse_direction_begins_at_the_length_of_each_sequence(tmp_path: Path) -> None:
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
