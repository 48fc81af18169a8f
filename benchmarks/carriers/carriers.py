"""The verdict of each carrier on outputs: a folder of ONNX, a file of arrays, the npm package, and the C header."""

import json
import math
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.numpy_helper import to_array
from safetensors import safe_open

from benchmarks.carriers.implementations import Result
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.export.exported_golden import identifier
from rnn_goldens.implementations.onnx import recurrence_model

ROOT = Path(__file__).parents[2]
FLAGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic")

Array = NDArray[Any]
Verdicts = list[bool | None]
"""For each result whether it passed; None if the carrier does not have the golden in the precision."""


def python(results: Sequence[Result]) -> Verdicts:
    """Return the verdicts of this package, without a search for the cause."""
    return [compare(result.golden, *_in_order(result)).passed for result in results]


def onnx_folder(results: Sequence[Result], vectors: Path) -> Verdicts:
    """Return the verdicts by ``output_N.pb`` and ``tolerance_N.pb``."""

    def check(result: Result) -> bool | None:
        golden = result.golden
        case = vectors / f"onnx/{golden.dtype}/test_{identifier(golden.id)}/test_data_set_0"
        if not case.is_dir():
            return None
        outputs = _in_order(result)
        if not golden.is_network:
            outputs = [recurrence_model.packed(golden, outputs[0]), *outputs[1:]]
        for number, output in enumerate(outputs):
            want, tolerance = (
                to_array(onnx.load_tensor(str(case / f"{kind}_{number}.pb"))) for kind in ("output", "tolerance")
            )
            if not (abs(output.reshape(want.shape) - want.astype(np.float64)) <= tolerance).all():
                return False
        return True

    return list(map(check, results))


def array_file(results: Sequence[Result], vectors: Path, ending: str) -> Verdicts:
    """Return the verdicts by a file of arrays, ``npz`` or ``safetensors``."""

    def check(result: Result) -> bool:
        golden = result.golden
        arrays = _arrays(vectors / f"{ending}/{golden.dtype}/{golden.id}.{ending}")
        return all(
            (abs(output - arrays[f"expected/{name}"]) <= arrays[f"tolerance/{name}"]).all()
            for name, output in zip(golden.stored.expected, _in_order(result), strict=True)
        )

    return list(map(check, results))


def _arrays(path: Path) -> Mapping[str, Array]:
    if path.suffix == ".npz":
        return dict(np.load(path))
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping


def npm(results: Sequence[Result]) -> Verdicts:
    """Return the verdicts of the npm package's ``compare``."""
    lines = [json.dumps(_request(result)) for result in results]
    command = ["node", "javascript/tests/verdicts.mjs"]
    done = subprocess.run(command, input="\n".join(lines), cwd=ROOT, capture_output=True, text=True, check=True)
    verdicts: Verdicts = [json.loads(line)["passed"] for line in done.stdout.splitlines()]
    return verdicts


def _request(result: Result) -> dict[str, Any]:
    outputs = {
        name: {"shape": output.shape, "data": [x if math.isfinite(x) else _word(x) for x in output.ravel().tolist()]}
        for name, output in zip(result.golden.stored.expected, _in_order(result), strict=True)
    }
    return {"golden": result.golden.id, "dtype": result.golden.dtype, "outputs": outputs}


def _word(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def c_header(results: Sequence[Result], vectors: Path, folder: Path) -> Verdicts:
    """Return the verdicts of ``rnn_goldens.h``, of one program for each precision."""
    verdicts: Verdicts = [None] * len(results)
    for dtype in ("float64", "float32"):
        own = [k for k, result in enumerate(results) if result.golden.dtype == dtype]
        passed = _in_c([results[k] for k in own], vectors / "c", folder / dtype)
        for k, one in zip(own, passed, strict=True):
            verdicts[k] = one
    return verdicts


_PROGRAM = """\
#include "rnn_goldens.h"
{includes}
static const rnn_goldens_expected *const expected[] = {{ {listed} }};

int main(void)
{{
    static {real} got[{most}];
    int which;
    while (fread(&which, sizeof which, 1, stdin) == 1) {{
        size_t size = (size_t)rnn_goldens_size(expected[which]);
        if (fread(got, sizeof *got, size, stdin) != size)
            return 1;
        printf("%d\\n", rnn_goldens_compare_{real}(expected[which], got).wrong);
    }}
    return 0;
}}
"""


def _in_c(results: Sequence[Result], headers: Path, folder: Path) -> list[bool]:
    goldens = {identifier(result.golden.id): result.golden for result in results}
    outputs = [(name, output) for name, golden in goldens.items() for output in golden.stored.expected]
    number = {one: k for k, one in enumerate(outputs)}
    dtype = results[0].golden.dtype
    real, kind = ("double", np.float64) if dtype == "float64" else ("float", np.float32)
    most = max(array.size for golden in goldens.values() for array in golden.stored.expected.values())
    includes = "\n".join(f'#include "{dtype}/{name}.h"' for name in goldens)
    listed = ", ".join(f"&{name}_{output}_expected" for name, output in outputs)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdicts.c").write_text(_PROGRAM.format(includes=includes, listed=listed, real=real, most=most), "utf-8")
    subprocess.run(["cc", *FLAGS, f"-I{headers}", "-o", "verdicts", "verdicts.c", "-lm"], cwd=folder, check=True)
    sent, counts = bytearray(), []
    for result in results:
        for output, array in zip(result.golden.stored.expected, _in_order(result), strict=True):
            which = number[identifier(result.golden.id), output]
            sent += np.int32(which).tobytes() + array.astype(kind).tobytes()
        counts.append(len(result.golden.stored.expected))
    done = subprocess.run([str(folder / "verdicts")], input=bytes(sent), capture_output=True, check=True)
    wrong = iter(map(int, done.stdout.split()))
    return [sum(next(wrong) for _ in range(count)) == 0 for count in counts]


def carriers(vectors: Path, folder: Path) -> dict[str, Callable[[Sequence[Result]], Verdicts]]:
    """Return the carriers by name."""
    return {
        "ONNX folders": lambda results: onnx_folder(results, vectors),
        "safetensors": lambda results: array_file(results, vectors, "safetensors"),
        "npz": lambda results: array_file(results, vectors, "npz"),
        "npm": npm,
        "C header": lambda results: c_header(results, vectors, folder),
    }


def _in_order(result: Result) -> list[Array]:
    """Return the outputs in the golden's order, rounded to its precision, as an implementation returns them."""
    kind = np.float64 if result.golden.dtype == "float64" else np.float32
    return [result.outputs[name].astype(kind) for name in result.golden.stored.expected]
