"""The types that parse files find the same problems as the schemas, and the problems in BEYOND_THE_SCHEMA."""

import copy
import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from factories.gradients import with_gradients

from rnn_goldens import InvalidFile, encoding, schema
from rnn_goldens.corpus import find, open_folder
from rnn_goldens.corpus.validation import findings
from rnn_goldens.encoding import golden_types

FIXTURES = find()
VALUES: list[Any] = [
    None, True, "", " ", "x", "x\n", "a\x1bb", "a\u202eb", "h", "variant/id", "variant/id\n", "a:b", "t" * 1001,
    0, 1, -1, 2**20, 2**20 + 1, 2**70, 0.5, 1e300,
    [], ["x"], ["h", "c"], ["c", "h"], ["bias", "bias"], [[]], [1], {}, {"x": "y"},
]  # fmt: skip


BEYOND_THE_SCHEMA = ("data holds", "Expected `int`, got `float`")
"""Problems that a schema cannot find: the number of values in an array, and 2.0 where an integer is expected."""


def paths(document: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value, but only for the first two entries of each list."""
    if path:
        yield path
    of_list = enumerate(document[:2]) if isinstance(document, list) else ()
    for name, value in document.items() if isinstance(document, dict) else of_list:
        yield from paths(value, (*path, name))


def changed(document: dict[str, Any], path: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    """Yield changed copies of a document: each of ``VALUES`` at a path, no value there, or an extra entry beside it."""
    for value in [*VALUES, KeyError, "beside"]:
        variant = copy.deepcopy(document)
        inner: Any = variant
        for name in path[:-1]:
            inner = inner[name]
        if value is KeyError:
            del inner[path[-1]]
        elif value == "beside" and isinstance(inner, dict):
            inner["beside"] = inner[path[-1]]
        else:
            inner[path[-1]] = value
        yield variant


def all_changed(document: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for path in paths(document):
        for variant in changed(document, path):
            yield path, variant


def refusal_by_types(document: object) -> str:
    try:
        golden_types.decode(json.dumps(document).encode(), "golden")
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("golden_id", ["documented/mini-batch", "lstm/lengths"])
def test_types_and_schema_accept_the_same_goldens(golden_id: str) -> None:
    document = json.loads((FIXTURES / f"{golden_id}.json").read_text())
    checked = 0
    for path, variant in islice(all_changed(document), None, None, 3):
        refused, problems = refusal_by_types(variant), schema.problems(variant, "golden")
        if refused and not any(beyond in refused for beyond in BEYOND_THE_SCHEMA):
            assert problems, (path, refused)
        if problems:
            with pytest.raises(InvalidFile):
                encoding.decode(json.dumps(variant).encode(), Path("golden.json"))
        checked += 1
    assert checked > 400


@pytest.mark.slow
def test_types_and_schema_accept_the_same_gradients() -> None:
    golden = with_gradients("lstm/lengths", "float64")
    document = json.loads(encoding.encode(golden)[".gradients.json"])
    checked = 0
    for path, variant in islice(all_changed(document), None, None, 3):
        content = json.dumps(variant).encode()
        problems = schema.problems(variant, "gradients")
        try:
            golden_types.decode(content, "gradients")
        except ValueError as error:
            assert problems or any(beyond in str(error) for beyond in BEYOND_THE_SCHEMA), (path, str(error))
        if problems:
            with pytest.raises(InvalidFile):
                encoding.decode(content, Path("golden.gradients.json"), of=golden)
        checked += 1
    assert checked > 400


@pytest.mark.slow
def test_types_and_schema_accept_the_same_indexes(tmp_path: Path) -> None:
    document = json.loads((FIXTURES / "index.json").read_text())
    document["goldens"] = document["goldens"][:2]
    sha256, name = "0" * 64, document["goldens"][0]["id"]
    files = {kind: {"path": f"{name}.gradients.{kind}", "sha256": sha256} for kind in ("h5", "json")}
    gradients = {"purpose": "Some.", "precisions": ["float64"], "files": files, "content": sha256}
    document["goldens"][0]["gradients"] = gradients
    for path, variant in all_changed(document):
        (tmp_path / "index.json").write_text(json.dumps(variant))
        problems = schema.problems(variant, "index")
        try:
            open_folder(tmp_path)
            refused = ""
        except InvalidFile as error:
            refused = str(error)
        assert bool(problems) == (bool(refused) and " twice" not in refused), (path, refused, problems)


@pytest.mark.slow
def test_a_golden_that_validate_rejects_cannot_be_loaded_even_with_correct_hashes(tmp_path: Path) -> None:
    golden = json.loads((FIXTURES / "documented/mini-batch.json").read_text())
    index = json.loads((FIXTURES / "index.json").read_text())
    (entry,) = (entry for entry in index["goldens"] if entry["id"] == golden["id"])
    path = tmp_path / "documented/mini-batch.json"
    path.parent.mkdir()
    refused = 0
    for _, variant in islice(all_changed(golden), None, None, 7):
        path.write_text(json.dumps(variant))
        entry["files"]["json"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (tmp_path / "index.json").write_text(json.dumps(index | {"goldens": [entry]}))
        if findings(path):
            with pytest.raises(InvalidFile):
                open_folder(tmp_path).load(entry["id"])
            refused += 1
    assert refused > 200
