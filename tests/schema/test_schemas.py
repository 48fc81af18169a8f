import json
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from rnn_goldens import schema
from rnn_goldens.corpus import find
from rnn_goldens.encoding.tree import FORMAT
from rnn_goldens.golden.features import ASKED_FEATURES, CORE, FEATURES
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import CELLS

SCHEMAS = {kind: json.loads(schema.schema_path(kind).read_text("utf-8")) for kind in schema.FORMATS}
SCHEMAS |= {
    f"{kind}-{version}": json.loads(schema.schema_path(kind, version).read_text("utf-8"))
    for kind in schema.MESSAGES
    for version in schema.PROTOCOLS
}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_each_schema_is_itself_valid(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize("kind", schema.FORMATS)
def test_each_file_states_its_format(kind: str) -> None:
    assert SCHEMAS[kind]["properties"]["format"]["const"] == schema.FORMATS[kind]


def test_each_hello_states_its_protocol_and_each_greeting_the_first() -> None:
    for version in schema.PROTOCOLS:
        hello, answer = (SCHEMAS[f"protocol-{of}-{version}"]["$defs"]["hello"] for of in ("request", "answer"))
        assert hello["properties"]["protocol"]["const"] == schema.PROTOCOLS[0]
        assert answer["properties"]["protocol"]["const"] == version


def objects_in(node: object) -> list[dict[str, object]]:
    if isinstance(node, list):
        return [found for item in node for found in objects_in(item)]
    if not isinstance(node, dict):
        return []
    here = [node] if node.get("type") == "object" else []
    return here + [found for value in node.values() for found in objects_in(value)]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_each_object_is_closed(kind: str) -> None:
    for found in objects_in(SCHEMAS[kind]):
        assert "additionalProperties" in found, found
        assert found["additionalProperties"] is not True


def test_the_names_in_the_schema_are_those_in_the_code() -> None:
    definitions = SCHEMAS["golden"]["$defs"]
    assert definitions["our_cell"]["enum"] == list(CELLS)
    assert [*definitions["feature"]["enum"], CORE] == list(FEATURES)
    assert definitions["precisions"]["items"]["enum"] == list(PRECISIONS)
    assert schema.FORMATS["golden"] == FORMAT
    for version, more in ((1, []), (2, ["gradients"])):
        hello = SCHEMAS[f"protocol-answer-{version}"]["$defs"]["hello"]["properties"]
        assert hello["features"]["items"]["enum"] == [*ASKED_FEATURES, *more]


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_a_validator_that_knows_nothing_of_this_package_accepts_the_committed_files(every: int) -> None:
    resources = [(document["$id"], Resource.from_contents(document)) for document in SCHEMAS.values()]
    registry: Registry[Any] = Registry().with_resources(resources)
    for path in sorted(find("v1").rglob("*.json"))[::every]:
        document = json.loads(path.read_text("utf-8"))
        jsonschema.Draft202012Validator(SCHEMAS[document["kind"]], registry=registry).validate(document)


def test_a_long_value_does_not_flood_the_message() -> None:
    document = json.loads((find("v1") / "documented/mini-batch.json").read_text("utf-8"))
    document["expected"]["out"]["shape"] = [1] * 5000
    assert max(map(len, schema.problems(document, "golden"))) < 300


@pytest.mark.parametrize("wrong", [True, None, "1", [1.0]])
def test_one_item_that_is_no_number_is_found_among_numbers(wrong: object) -> None:
    golden = json.loads((find("v1") / "documented/single-sequence.json").read_text("utf-8"))
    assert schema.problems(golden, "golden") == []
    golden["inputs"]["x"]["data"][3] = wrong
    assert schema.problems(golden, "golden") == [f"inputs/x/data/3: {wrong!r} is not of type 'number'"]


@pytest.mark.parametrize("wrong", [True, 2.5])
def test_one_item_that_is_no_integer_is_found_among_integers(wrong: object) -> None:
    golden = json.loads((find("v1") / "lstm/lengths.json").read_text("utf-8"))
    golden["inputs"]["lengths"]["data"][1] = wrong
    assert schema.problems(golden, "golden") == [f"inputs/lengths/data/1: {wrong!r} is not of type 'integer'"]
