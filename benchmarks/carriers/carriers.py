"""The verdict of each carrier on outputs: ONNX folders, files of arrays, the npm package, and the C header."""

import json
import math
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.numpy_helper import to_array
from safetensors.numpy import load_file

from benchmarks.page import ROOT
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.export.exported_golden import identifier
from rnn_goldens.implementations.onnx_model import onnx_model
from vectors.archive import FORMATS

FLAGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic")

Array = NDArray[Any]


class Result(NamedTuple):
    """The outputs of a right or wrong implementation on a golden.

    Attributes:
        implementation: its name.
        is_right: whether it is known to be right.
        golden: the golden.
        outputs: by name in the golden's order, rounded to its precision; half precisions are carried in float32.
    """

    implementation: str
    is_right: bool
    golden: Golden
    outputs: Mapping[str, Array]


Verdicts = list[bool | None]
"""For each result whether it passed; None if the carrier lacks the golden in the precision, or cannot compare it."""


def carriers(vectors: Path, scratch: Path) -> dict[str, Callable[[Sequence[Result]], Verdicts]]:
    """Return the carriers by name; ``vectors`` is the unpacked archive."""
    one_by_one: dict[str, Callable[[Result], bool | None]] = {
        "ONNX folders": partial(_onnx_folder, vectors / "onnx"),
        "safetensors": partial(_array_file, vectors / "safetensors"),
        "npz": partial(_array_file, vectors / "npz"),
    }
    return {
        "Python": lambda results: [compare(one.golden, *one.outputs.values()).passed for one in results],
        **{name: partial(_one_by_one, check) for name, check in one_by_one.items()},
        "npm": _npm,
        "C header": lambda results: _c_header(results, vectors / "c", scratch),
    }


def _one_by_one(check: Callable[[Result], bool | None], results: Sequence[Result]) -> Verdicts:
    return [check(result) for result in results]


def _within(got: Array, want: Array, tolerance: Array) -> bool:
    """Return whether outputs have the shape of the expected values, and each is within its tolerance."""
    return got.shape == want.shape and bool((abs(got - want.astype(np.float64)) <= tolerance).all())


def _onnx_folder(folder: Path, result: Result) -> bool | None:
    """Return the verdict by ``output_N.pb`` and ``tolerance_N.pb``."""
    golden = result.golden
    case = folder / f"{golden.dtype}/test_{identifier(golden.id)}/test_data_set_0"
    if not case.is_dir():
        return None
    outputs = onnx_model(golden).named(result.outputs)
    return all(
        _within(output, *(_tensor(case / f"{kind}_{number}.pb") for kind in ("output", "tolerance")))
        for number, output in enumerate(outputs.values())
    )


@cache
def _tensor(path: Path) -> Array:
    return to_array(onnx.load_tensor(str(path)))


def _array_file(folder: Path, result: Result) -> bool:
    """Return the verdict by a file of arrays, ``npz`` or ``safetensors``."""
    arrays = _arrays(folder / f"{result.golden.dtype}/{result.golden.id}.{folder.name}")
    return all(
        _within(output, arrays[f"expected/{name}"], arrays[f"tolerance/{name}"])
        for name, output in result.outputs.items()
    )


@cache
def _arrays(path: Path) -> Mapping[str, Array]:
    return dict(np.load(path)) if path.suffix == ".npz" else load_file(path)


def _npm(results: Sequence[Result]) -> Verdicts:
    """Return the verdicts of the npm package's ``compare``."""
    lines = [json.dumps(_request(result)) for result in results]
    command = ["node", "javascript/tests/verdicts.mjs"]
    done = subprocess.run(command, input="\n".join(lines), cwd=ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line)["passed"] for line in done.stdout.splitlines()]


def _request(result: Result) -> dict[str, Any]:
    outputs = {
        name: {"shape": output.shape, "data": [x if math.isfinite(x) else _word(x) for x in output.ravel().tolist()]}
        for name, output in result.outputs.items()
    }
    return {"golden": result.golden.id, "dtype": result.golden.dtype, "outputs": outputs}


def _word(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _c_header(results: Sequence[Result], headers: Path, scratch: Path) -> Verdicts:
    """Return the verdicts of ``rnn_goldens.h``, of one program for each precision. C has no shapes to compare."""
    verdicts: Verdicts = [None] * len(results)
    for dtype in FORMATS["c"]:
        own = [k for k, result in enumerate(results) if result.golden.dtype == dtype and _has_shapes(result)]
        if own:
            for k, passed in zip(own, _in_c([results[k] for k in own], headers, scratch / dtype), strict=True):
                verdicts[k] = passed
    return verdicts


def _has_shapes(result: Result) -> bool:
    """Return whether all outputs have the expected shapes."""
    return all(array.shape == result.golden.stored.expected[name].shape for name, array in result.outputs.items())


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
    arrays = [(identifier(one.golden.id), name, array) for one in results for name, array in one.outputs.items()]
    number = {output: k for k, output in enumerate(dict.fromkeys((golden, name) for golden, name, _ in arrays))}
    dtype = results[0].golden.dtype
    program = _PROGRAM.format(
        includes="\n".join(f'#include "{dtype}/{golden}.h"' for golden in dict.fromkeys(one[0] for one in arrays)),
        listed=", ".join(f"&{golden}_{name}_expected" for golden, name in number),
        real="double" if dtype == "float64" else "float",
        most=max(array.size for _, _, array in arrays),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdicts.c").write_text(program, "utf-8")
    subprocess.run(["cc", *FLAGS, f"-I{headers}", "-o", "verdicts", "verdicts.c", "-lm"], cwd=folder, check=True)
    sent = b"".join(np.int32(number[golden, name]).tobytes() + array.tobytes() for golden, name, array in arrays)
    done = subprocess.run([str(folder / "verdicts")], input=sent, capture_output=True, check=True)
    wrong = map(int, done.stdout.split())
    return [sum(next(wrong) for _ in one.outputs) == 0 for one in results]
