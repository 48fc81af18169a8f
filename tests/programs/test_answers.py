"""The reader accepts an answer if the published schema allows it and the data fill the shapes; numbers stay exact."""

import json
import math
import sys
from typing import Any

import numpy as np
import pytest
from factories.goldens import MakeGolden
from hypothesis import given
from hypothesis import strategies as st

from rnn_goldens import load, schema
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.features import DERIVED_FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.programs import messages
from rnn_goldens.programs.misbehaviour import Misbehaviour

ARRAY = {"shape": [1], "data": [0.5]}
OUTPUTS = {"answer": "outputs", "id": 1, "out": ARRAY, "h_n": ARRAY}
HELLO = {"answer": "hello", "protocol": 1, "cells": ["lstm"], "features": ["bias"], "precisions": ["float32"]}
REFUSAL = {"answer": "unsupported", "id": 1, "reason": "no"}


def line(message: object) -> bytes:
    return json.dumps(message).encode()


def is_read(message: object) -> bool:
    try:
        messages.read(line(message))
    except Misbehaviour:
        return False
    return True


def fits(message: Any) -> bool:
    """Return whether each array has as many numbers as its shape requires, which a schema cannot express."""
    arrays = [message[name] for name in ("out", "h_n", "c_n") if isinstance(message, dict) and name in message]
    return all(len(array["data"]) == math.prod(array["shape"]) for array in arrays)


ODD_ITEMS: list[object] = [
    *("NaN", "Infinity", "-Infinity", "nan", "inf", "1.0", ""),
    *(None, True, False, [], {}, [1.0], 10**400),
]
ITEMS: st.SearchStrategy[object] = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.sampled_from(ODD_ITEMS),
)
NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.just(None))
SHAPES = st.lists(st.sampled_from([1, 2, 3, 1.0, 2.0, 0, -1, 1.5, True, "1", None]), max_size=3)
ARRAYS = st.one_of(
    st.builds(lambda data: {"shape": [len(data)], "data": data}, st.lists(NUMBERS, min_size=1, max_size=4)),
    st.builds(lambda data: {"shape": [1, len(data)], "data": data}, st.lists(ITEMS, min_size=1, max_size=4)),
    st.fixed_dictionaries(
        {"shape": SHAPES, "data": st.lists(NUMBERS, max_size=4)}, optional={"dtype": st.just("float32")}
    ),
    st.sampled_from([[], [1.0], {}, None, {"shape": [1]}, {"data": [1.0]}, {"shape": [1], "data": 1.0}, {"data": {}}]),
)


ANSWER = {
    "answer": st.just("outputs"),
    "id": st.sampled_from([1, 2.0, 0, "1", None, True]),
    "out": ARRAYS,
    "h_n": ARRAYS,
}


@given(st.fixed_dictionaries(ANSWER, optional={"c_n": ARRAYS, "reason": st.just("no")}))
def test_outputs_are_read_if_the_schema_allows_them_and_the_data_fill_the_shapes(message: dict[str, Any]) -> None:
    assert is_read(message) == (not schema.problems(message, "protocol-answer", 1) and fits(message))


@pytest.mark.parametrize("item", ODD_ITEMS, ids=lambda item: repr(item)[:12])
def test_an_item_of_data_is_read_if_the_schema_allows_it(item: object) -> None:
    for data in ([item], [item, 1], [0.5, item]):
        message = OUTPUTS | {"out": {"shape": [len(data)], "data": data}}
        assert is_read(message) == (not schema.problems(message, "protocol-answer", 1))


VALID: list[object] = [
    *(OUTPUTS, OUTPUTS | {"c_n": ARRAY}, HELLO, REFUSAL),
    *(HELLO | {"name": "my_rnn", "version": "0.1"}, HELLO | {"features": []}),
]
INVALID: list[object] = [
    *(OUTPUTS | {"c_n": None}, OUTPUTS | {"answer": "output"}, {"answer": "outputs", "id": 1, "out": ARRAY}),
    *(HELLO | {"name": name} for name in ("", "x" * 101)),
    *(HELLO | {"cells": cells} for cells in ([], ["lstm", "lstm"])),
    *(HELLO | {"protocol": protocol} for protocol in (3, True, "1")),
    *(HELLO | {"features": ["exact"]}, HELLO | {"precisions": ["double"]}, HELLO | {"id": 1}),
    *(REFUSAL | {"reason": " "}, REFUSAL | {"reason": None}, REFUSAL | {"out": ARRAY}),
    *({}, [OUTPUTS], "outputs", None),
]


@pytest.mark.parametrize(("message", "valid"), [*((m, True) for m in VALID), *((m, False) for m in INVALID)])
def test_the_reader_accepts_what_the_schema_allows(message: object, valid: bool) -> None:
    assert is_read(message) == valid
    assert (not schema.problems(message, "protocol-answer", 1)) == valid


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"answer": "unsupported", "id": 1, "id": 2, "reason": "no"}', "the key 'id' occurs twice in one object"),
        (b'{"answer": "unsupported", "id": 1, "reason": "no"} again', "Extra data"),
        (b'\xef\xbb\xbf{"answer": "unsupported", "id": 1, "reason": "no"}', "Unexpected UTF-8 BOM"),
        (b"{'answer': 'unsupported', 'id': 1, 'reason': 'no'}", "Expecting property name enclosed in double quotes"),
        (b'{"answer": "unsupported", "id": 1, "reason": "\xe9"}', "JSON is UTF-8, byte 46 is not"),
    ],
)
def test_a_line_that_is_not_a_json_object_is_described(text: bytes, problem: str) -> None:
    with pytest.raises(Misbehaviour, match=rf"^printed a line that is not JSON \({problem}"):
        messages.read(text)


def nest(depth: int, opening: str = "[", inside: str = "", closing: str = "]") -> str:
    return opening * depth + inside + closing * depth


TOO_DEEP = r"^printed JSON that is nested too deep, in more than 16 levels: '[\[{]"

NESTED = {
    "alone": "{nest}",
    "in-a-new-name": '{{"answer": "outputs", "id": 1, "out": {array}, "h_n": {array}, "nested": {nest}}}',
    "answer": '{{"answer": {nest}, "id": 1}}',
    "protocol": '{{"answer": "hello", "protocol": {nest}}}',
    "cells": '{{"answer": "hello", "protocol": 1, "cells": {nest}, "features": [], "precisions": ["float32"]}}',
    "id": '{{"answer": "outputs", "id": {nest}, "out": {array}, "h_n": {array}}}',
    "reason": '{{"answer": "unsupported", "id": 1, "reason": {nest}}}',
    "out": '{{"answer": "outputs", "id": 1, "out": {nest}, "h_n": {array}}}',
    "shape": '{{"answer": "outputs", "id": 1, "out": {{"shape": {nest}, "data": [1]}}, "h_n": {array}}}',
    "data": '{{"answer": "outputs", "id": 1, "out": {{"shape": [1], "data": {nest}}}, "h_n": {array}}}',
    "item-of-data": '{{"answer": "outputs", "id": 1, "out": {{"shape": [2], "data": [1, {nest}]}}, "h_n": {array}}}',
}


@pytest.mark.parametrize("depth", [17, 100, 500, 900, 940, 990, 5000, 100_000])
@pytest.mark.parametrize("location", NESTED)
def test_a_deeply_nested_answer_is_reported_at_any_depth(location: str, depth: int) -> None:
    for nested in (nest(depth), nest(depth, '{"out":', "1", "}")):
        text = NESTED[location].format(nest=nested, array=json.dumps(ARRAY))
        with pytest.raises(Misbehaviour, match=TOO_DEEP):
            messages.read(text.encode())


@pytest.mark.parametrize("location", NESTED)
def test_an_answer_at_pythons_recursion_limit_is_reported_too(location: str) -> None:
    for depth in range(sys.getrecursionlimit() - 200, sys.getrecursionlimit()):
        with pytest.raises(Misbehaviour, match=TOO_DEEP):
            messages.read(NESTED[location].format(nest=nest(depth), array=json.dumps(ARRAY)).encode())


def test_unclosed_nesting_is_reported() -> None:
    with pytest.raises(Misbehaviour, match=TOO_DEEP):
        messages.read(b"[" * 100_000)


def test_a_slightly_nested_answer_reports_its_problem() -> None:
    with pytest.raises(Misbehaviour, match=r"\(id: \[{12}\]{12} is not of type 'integer'\)"):
        messages.read(NESTED["id"].format(nest=nest(12), array=json.dumps(ARRAY)).encode())


def read_numbers(data: str, dtype: str = "float64") -> np.ndarray[Any, Any]:
    array = f'{{"shape": [{data.count(",") + 1}], "data": [{data}]}}'
    answer = messages.read(f'{{"answer": "outputs", "id": 1, "out": {array}, "h_n": {array}}}'.encode())
    assert isinstance(answer, messages.Arrays)
    return answer.rounded(load("rnn-tanh/plain", dtype=dtype))["out"]


def test_values_that_are_not_finite_are_read() -> None:
    numbers = read_numbers(f'"NaN", null, NaN, "Infinity", Infinity, "-Infinity", -Infinity, 1e999, -{10**400}, 3')
    np.testing.assert_array_equal(numbers, [math.nan] * 3 + [math.inf] * 2 + [-math.inf] * 2 + [math.inf, -math.inf, 3])


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_a_number_beyond_the_range_of_a_precision_is_infinite(dtype: str) -> None:
    assert read_numbers("1e308, -1e308", dtype)[0] == (1e308 if dtype == "float64" else math.inf)


DIGITS = {"float64": 17, "float32": 9, "bfloat16": 4, "float16": 5}


@pytest.mark.parametrize("dtype", PRECISIONS)
@given(data=st.data())
def test_a_number_with_enough_digits_reads_back_exactly(dtype: str, data: st.DataObject) -> None:
    value = data.draw(st.floats(width=64 if dtype == "float64" else 16 if dtype == "float16" else 32, allow_nan=False))
    with np.errstate(over="ignore"):
        number = PRECISIONS[dtype].round(np.array([value]))[0]
    if np.isfinite(number):
        for written in (f"{number:.{DIGITS[dtype] - 1}e}", repr(float(number)), str(number)):
            assert read_numbers(written, dtype)[0].tobytes() == number.tobytes()


@pytest.mark.parametrize("name", ["cell", "precision", *DERIVED_FEATURES])
def test_a_hello_lacks_features_that_it_does_not_list(make_golden: MakeGolden, name: str) -> None:
    everything: dict[str, Any] = {
        name: frozenset(names) for name, names in messages.correct_hello().items() if isinstance(names, list)
    }
    batch: dict[str, Any] = {"batch": ()} if name == "unbatched" else {"lengths": [2, 3]}
    golden = make_golden("lstm", **batch, state=True, num_layers=2, bidirectional=True)
    assert messages.Hello("", **everything).lacks(golden) is None
    lists = {"cell": "cells", "precision": "precisions"}.get(name, "features")
    missing = {"cell": "lstm", "precision": "float32"}.get(name, name)
    lacking = messages.Hello("", **everything | {lists: everything[lists] - {missing}})
    assert lacking.lacks(golden) == (None if name == "exact" else missing)


def test_the_examples_are_valid(make_golden: MakeGolden) -> None:
    assert not schema.problems(messages.correct_hello(), "protocol-answer", 1)
    for cell in CELLS:
        golden = make_golden(cell)
        message = messages.correct_outputs(golden, 5)
        assert not schema.problems(message, "protocol-answer", 1)
        answer = messages.read(line(message))
        assert isinstance(answer, messages.Arrays)
        assert golden.compare(*answer.rounded(golden).values()).passed
