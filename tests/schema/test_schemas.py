import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from rnn_goldens import schema
from rnn_goldens.corpus import find
from rnn_goldens.encoding.tree import FORMAT
from rnn_goldens.generator.schema_bundles import bundled
from rnn_goldens.golden.built_in_cells import LAYOUTS
from rnn_goldens.golden.features import CORE, FEATURES, INPUT_FEATURES, RECURRENCE_FEATURES
from rnn_goldens.golden.precision import PRECISIONS

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
def test_each_schema_requires_its_format_number(kind: str) -> None:
    assert SCHEMAS[kind]["properties"]["format"]["const"] == schema.FORMATS[kind]


def objects_in(node: object) -> list[dict[str, object]]:
    if isinstance(node, list):
        return [part for item in node for part in objects_in(item)]
    if not isinstance(node, dict):
        return []
    itself = [node] if node.get("type") == "object" else []
    return itself + [part for value in node.values() for part in objects_in(value)]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_no_object_allows_additional_properties(kind: str) -> None:
    for part in objects_in(SCHEMAS[kind]):
        if "allOf" in part and "additionalProperties" not in part:  # a message of one of several kinds
            assert all(set(one["then"]) == {"$ref"} for one in part["allOf"])  # type: ignore[attr-defined]
            continue
        if "propertyNames" not in part:  # propertyNames also restricts the properties
            assert "additionalProperties" in part, part
        assert part.get("additionalProperties") is not True


@pytest.mark.parametrize("kind", SCHEMAS)
def test_each_schema_is_self_contained(kind: str) -> None:
    registry: Registry[Any] = Registry()  # without other files
    validator = jsonschema.Draft202012Validator(SCHEMAS[kind], registry=registry)
    assert list(validator.iter_errors({"kind": "none", "goldens": [{}], "answer": "hello", "request": "run"}))
    for path in find(None).rglob("plain*.json"):
        document = json.loads(path.read_text("utf-8"))
        if document["kind"] == kind:
            validator.validate(document)


def test_embedded_schemas_equal_their_files_and_are_updated_with_them(tmp_path: Path) -> None:
    folder = schema.schema_path("golden").parent
    assert {path: path.read_text("utf-8") for path in folder.glob("*.schema.json")} == bundled(folder)
    for path in folder.glob("*.schema.json"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    golden = tmp_path / "golden-1.schema.json"
    golden.write_text(golden.read_text("utf-8").replace('"maxLength": 200', '"maxLength": 201'), "utf-8")
    changed = [path.name for path, text in bundled(tmp_path).items() if "201" in text]
    assert changed == sorted(path.name for path in folder.glob("*.schema.json"))


@pytest.mark.slow
def test_every_file_of_the_corpus_names_its_schema() -> None:
    for path in find(None).rglob("*.json"):
        document = json.loads(path.read_text("utf-8"))
        assert document["$schema"] == schema.schema_id(document["kind"]) == SCHEMAS[document["kind"]]["$id"]


def test_the_names_in_the_schema_are_those_in_the_code() -> None:
    definitions = SCHEMAS["golden"]["$defs"]
    assert definitions["our_cell"]["enum"] == list(LAYOUTS)
    assert [*definitions["feature"]["enum"], CORE] == list(FEATURES)
    assert definitions["precisions"]["items"]["enum"] == list(PRECISIONS)
    assert schema.FORMATS["golden"] == FORMAT
    for version, more in ((1, []), (2, [*RECURRENCE_FEATURES, "gradients"])):
        hello = SCHEMAS[f"protocol-answer-{version}"]["$defs"]["hello"]["properties"]
        assert hello["features"]["items"]["enum"] == [*INPUT_FEATURES, *more]
    for version in schema.PROTOCOLS:
        hello, answer = (SCHEMAS[f"protocol-{of}-{version}"]["$defs"]["hello"] for of in ("request", "answer"))
        assert hello["properties"]["protocol"]["const"] == schema.PROTOCOLS[0]
        assert answer["properties"]["protocol"]["const"] == version


@pytest.mark.parametrize("every", [24, pytest.param(1, marks=pytest.mark.slow)])
def test_a_validator_without_this_package_accepts_the_committed_files(every: int) -> None:
    resources = [(document["$id"], Resource.from_contents(document)) for document in SCHEMAS.values()]
    registry: Registry[Any] = Registry().with_resources(resources)
    for path in sorted(find().rglob("*.json"))[::every]:
        document = json.loads(path.read_text("utf-8"))
        jsonschema.Draft202012Validator(SCHEMAS[document["kind"]], registry=registry).validate(document)


def test_a_long_value_does_not_flood_the_message() -> None:
    document = json.loads((find() / "documented/mini-batch.json").read_text("utf-8"))
    document["expected"]["out"]["shape"] = [1] * 5000
    assert max(map(len, schema.problems(document, "golden"))) < 300


@pytest.mark.parametrize("wrong", [True, None, "1", [1.0]])
def test_a_single_item_that_is_not_a_number_is_found(wrong: object) -> None:
    golden = json.loads((find() / "documented/single-sequence.json").read_text("utf-8"))
    assert schema.problems(golden, "golden") == []
    golden["inputs"]["x"]["data"][3] = wrong
    assert schema.problems(golden, "golden") == [f"inputs/x/data/3: {wrong!r} is not of type 'number'"]


@pytest.mark.parametrize("wrong", [True, 2.5])
def test_a_single_item_that_is_not_an_integer_is_found(wrong: object) -> None:
    golden = json.loads((find() / "lstm/lengths.json").read_text("utf-8"))
    golden["inputs"]["lengths"]["data"][1] = wrong
    assert schema.problems(golden, "golden") == [f"inputs/lengths/data/1: {wrong!r} is not of type 'integer'"]
