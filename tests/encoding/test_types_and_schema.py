"""The types that read golden files and indexes allow what the schemas allow, and no more."""

import copy
import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from made_gradients import with_gradients

from rnn_goldens import InvalidFile, encoding, schema
from rnn_goldens.corpus import find, open_folder
from rnn_goldens.corpus.validating import findings
from rnn_goldens.encoding import documents

FIXTURES = find("v1")
VALUES: list[Any] = [
    None, True, "", " ", "x", "x\n", "a\x1bb", "a\u202eb", "h", "made/id", "made/id\n", "a:b", "t" * 1001,
    0, 1, -1, 2**20, 2**20 + 1, 2**70, 0.5, 1e300,
    [], ["x"], ["h", "c"], ["c", "h"], ["bias", "bias"], [[]], [1], {}, {"x": "y"},
]  # fmt: skip


BEYOND_THE_SCHEMA = ("data holds", "Expected `int`, got `float`")
"""How many numbers there are, no schema says; and to one, 2.0 is an integer."""


def places(document: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands; of long lists, the first two places."""
    if path:
        yield path
    of_list = enumerate(document[:2]) if isinstance(document, list) else ()
    for name, value in document.items() if isinstance(document, dict) else of_list:
        yield from places(value, (*path, name))


def changed(document: dict[str, Any], path: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """The document with each value in one place, without it, and with something beside it."""
    for value in [*VALUES, KeyError, "beside"]:
        made = copy.deepcopy(document)
        inner: Any = made
        for name in path[:-1]:
            inner = inner[name]
        if value is KeyError:
            del inner[path[-1]]
        elif value == "beside" and isinstance(inner, dict):
            inner["beside"] = inner[path[-1]]
        else:
            inner[path[-1]] = value
        yield made


def all_changed(document: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for path in places(document):
        for made in changed(document, path):
            yield path, made


def types_refuse(document: object) -> str:
    try:
        documents.decode(json.dumps(document).encode(), "golden")
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("golden_id", ["documented/mini-batch", "lstm/lengths"])
def test_a_golden_that_the_types_take_is_valid_by_the_schema_and_the_other_way_round(golden_id: str) -> None:
    document = json.loads((FIXTURES / f"{golden_id}.json").read_text())
    asked = 0
    for path, made in islice(all_changed(document), None, None, 3):
        refused, problems = types_refuse(made), schema.problems(made, "golden")
        if refused and not any(beyond in refused for beyond in BEYOND_THE_SCHEMA):
            assert problems, (path, refused)
        if problems:
            with pytest.raises(InvalidFile):
                encoding.decode(json.dumps(made).encode(), Path("golden.json"))
        asked += 1
    assert asked > 400


@pytest.mark.slow
def test_gradients_that_the_types_take_are_valid_by_the_schema_and_the_other_way_round() -> None:
    golden = with_gradients("lstm/lengths", "float64")
    document = json.loads(encoding.encode(golden)[".gradients.json"])
    asked = 0
    for path, made in islice(all_changed(document), None, None, 3):
        content = json.dumps(made).encode()
        problems = schema.problems(made, "gradients")
        try:
            documents.decode(content, "gradients")
        except ValueError as error:
            assert problems or any(beyond in str(error) for beyond in BEYOND_THE_SCHEMA), (path, str(error))
        if problems:
            with pytest.raises(InvalidFile):
                encoding.decode(content, Path("golden.gradients.json"), of=golden)
        asked += 1
    assert asked > 400


@pytest.mark.slow
def test_an_index_that_can_be_opened_is_valid_by_the_schema_and_the_other_way_round(tmp_path: Path) -> None:
    document = json.loads((FIXTURES / "index.json").read_text())
    document["goldens"] = document["goldens"][:2]
    sha256, name = "0" * 64, document["goldens"][0]["id"]
    files = {kind: {"path": f"{name}.gradients.{kind}", "sha256": sha256} for kind in ("h5", "json")}
    gradients = {"purpose": "Some.", "precisions": ["float64"], "files": files, "content": sha256}
    document["goldens"][0]["gradients"] = gradients
    for path, made in all_changed(document):
        (tmp_path / "index.json").write_text(json.dumps(made))
        problems = schema.problems(made, "index")
        try:
            open_folder(tmp_path)
            refused = ""
        except InvalidFile as error:
            refused = str(error)
        assert bool(problems) == (bool(refused) and " twice" not in refused), (path, refused, problems)


@pytest.mark.slow
def test_what_validate_refuses_can_not_be_loaded_though_its_hashes_are_right(tmp_path: Path) -> None:
    golden = json.loads((FIXTURES / "documented/mini-batch.json").read_text())
    index = json.loads((FIXTURES / "index.json").read_text())
    (entry,) = (entry for entry in index["goldens"] if entry["id"] == golden["id"])
    path = tmp_path / "documented/mini-batch.json"
    path.parent.mkdir()
    refused = 0
    for _, made in islice(all_changed(golden), None, None, 7):
        path.write_text(json.dumps(made))
        entry["files"]["json"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (tmp_path / "index.json").write_text(json.dumps(index | {"goldens": [entry]}))
        if findings(path):
            with pytest.raises(InvalidFile):
                open_folder(tmp_path).load(entry["id"])
            refused += 1
    assert refused > 200
