"""The verdict of each carrier on outputs: ONNX folders, files of arrays, JSON, the npm package, and the C header."""

import json
import math
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.numpy_helper import to_array
from safetensors import safe_open

from benchmarks.carriers.implementations import Result
from rnn_goldens.checkable_golden import Golden
from rnn_goldens.comparison.verdict import compare
from rnn_goldens.export.exported_golden import identifier
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.implementations.batch_of_one import batched
from rnn_goldens.implementations.onnx import recurrence_model
from vectors.archive import FORMATS

ROOT = Path(__file__).parents[2]
FLAGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic")

Array = NDArray[Any]
Verdicts = list[bool | None]
"""For each result whether it passed; None if the carrier lacks the golden in the precision, or cannot compare it."""


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
        return all(
            _within(output, *(_tensor(case / f"{kind}_{number}.pb") for kind in ("output", "tolerance")))
            for number, output in enumerate(_as_onnx(golden, _in_order(result)))
        )

    return list(map(check, results))


def _as_onnx(golden: Golden, outputs: Sequence[Array]) -> list[Array]:
    """Return outputs in the layout of the golden's model: a batch of one, or heads packed in an axis."""
    if golden.is_network:
        return [batched(golden, name, array) for name, array in zip(golden.layout.outputs, outputs, strict=True)]
    return [recurrence_model.packed(golden, outputs[0]), *outputs[1:]]


@lru_cache(maxsize=4096)
def _tensor(path: Path) -> Array:
    return to_array(onnx.load_tensor(str(path)))


def _within(got: Array, want: Array, tolerance: Array) -> bool:
    """Return whether outputs have the shape of the expected values, and each is within its tolerance."""
    return got.shape == want.shape and bool((abs(got - want.astype(np.float64)) <= tolerance).all())


def array_file(results: Sequence[Result], vectors: Path, ending: str) -> Verdicts:
    """Return the verdicts by a file of arrays, ``npz`` or ``safetensors``."""

    def check(result: Result) -> bool:
        golden = result.golden
        arrays = _arrays(vectors / f"{ending}/{golden.dtype}/{golden.id}.{ending}")
        return all(
            _within(output, arrays[f"expected/{name}"], arrays[f"tolerance/{name}"])
            for name, output in zip(golden.stored.expected, _in_order(result), strict=True)
        )

    return list(map(check, results))


@lru_cache(maxsize=4096)
def _arrays(path: Path) -> Mapping[str, Array]:
    if path.suffix == ".npz":
        return dict(np.load(path))
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping


JSON_PRECISIONS = {"float32": (2.0**-24, 2.0**-149), "float64": (2.0**-53, 2.0**-1074)}
"""By precision in which a reader of a JSON file computes tolerances, the unit roundoff and the smallest number."""


def json_file(results: Sequence[Result], vectors: Path) -> Verdicts:
    """Return the verdicts by the files of the corpus and the rule in ``vectors/README.md``, for networks."""

    def check(result: Result) -> bool | None:
        golden = result.golden
        if not golden.is_network or golden.dtype not in JSON_PRECISIONS:
            return None
        content = _json(vectors / f"json/{golden.id}.json")
        return all(
            _within(output, *_by_rule(content, name, golden.dtype))
            for name, output in zip(golden.stored.expected, _in_order(result), strict=True)
        )

    return list(map(check, results))


@lru_cache(maxsize=4096)
def _json(path: Path) -> Any:  # noqa: ANN401 - a golden
    return json.loads(path.read_bytes())


def _by_rule(content: Any, name: str, dtype: str) -> tuple[Array, Array]:  # noqa: ANN401
    """Return the expected values and tolerances of an output."""
    want, tolerance = _from_json(content["expected"][name]), content["tolerance"]
    if tolerance["kind"] == "exact":
        return want, np.zeros_like(want)
    u, smallest = JSON_PRECISIONS[dtype]
    accumulation, storage = (_from_json(tolerance[kind][name]) for kind in ("accumulation", "storage"))
    return want, (accumulation + storage) * u + u * abs(want) + smallest


def _from_json(array: Mapping[str, Any]) -> Array:
    return np.array(array["data"], np.float64).reshape(array["shape"])


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
    """Return the verdicts of ``rnn_goldens.h``, of one program for each precision. C has no shapes to compare."""
    verdicts: Verdicts = [None] * len(results)
    for dtype in FORMATS["c"]:
        own = [k for k, result in enumerate(results) if result.golden.dtype == dtype and _has_shapes(result)]
        if not own:
            continue
        passed = _in_c([results[k] for k in own], vectors / "c", folder / dtype)
        for k, one in zip(own, passed, strict=True):
            verdicts[k] = one
    return verdicts


def _has_shapes(result: Result) -> bool:
    """Return whether all outputs have the expected shapes."""
    return all(result.outputs[name].shape == array.shape for name, array in result.golden.stored.expected.items())


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
        "JSON": lambda results: json_file(results, vectors),
        "npm": npm,
        "C header": lambda results: c_header(results, vectors, folder),
    }


def _in_order(result: Result) -> list[Array]:
    """Return the outputs in the golden's order, rounded to its precision. Half precisions are carried in float32."""
    precision = PRECISIONS[result.golden.dtype]
    carrier = np.float64 if precision.name == "float64" else np.float32
    outputs = [result.outputs[name].astype(np.float64) for name in result.golden.stored.expected]
    return [precision.round(array).astype(carrier) for array in outputs]
