"""Where the functions of a JavaScript file can be edited, by the tree that acorn makes of it."""

import json
import re
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.mutation.places import Place, Span

Node = Mapping[str, Any]
"""As ESTree has it: a type, a start, an end."""

FOLDER = Path(__file__).parent
FUNCTIONS = ("FunctionDeclaration", "ArrowFunctionExpression", "FunctionExpression")
STATEMENTS = ("ExpressionStatement", "IfStatement", "ReturnStatement", "ForStatement")
"""Those that can be left out; without a declaration nothing runs."""


def syntax(asked: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
    """What syntax.js answers."""
    command = ["node", str(FOLDER / "syntax.js")]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def are_valid(texts: Sequence[str]) -> list[bool]:
    """Which of some texts are JavaScript."""
    return list(syntax({"valid": list(texts)}))


def places(text: str, functions: Collection[str]) -> list[Place]:
    """All that are in functions of these names, in the order of the text; of every function if there are no names."""
    reading = _Reading(text, tree := syntax({"parse": text}))
    found: list[Place] = []
    for node in tree["body"]:
        name = _declared(node)
        if name and (not functions or name in functions):
            found += reading.below(node, frozenset(), "")
    return sorted(found, key=lambda place: (place.span, place.what))


def _declared(node: Node) -> str:
    """The function that a statement of the file declares; empty if it is none."""
    if node["type"] == "FunctionDeclaration":
        return str(node["id"]["name"])
    if node["type"] == "VariableDeclaration" and (node["declarations"][0]["init"] or {}).get("type") in FUNCTIONS:
        return str(node["declarations"][0]["id"]["name"])
    return ""


class _Reading:
    """One file, as it is gone through."""

    def __init__(self, text: str, tree: Node) -> None:
        self.text = text
        self.functions = {name for node in tree["body"] if (name := _declared(node))}
        self.attributes: dict[str, set[str]] = {}
        self.texts: set[str] = set()
        for node in _all(tree):
            if node["type"] == "MemberExpression" and not node["computed"] and node["object"]["type"] == "Identifier":
                self.attributes.setdefault(node["object"]["name"], set()).add(node["property"]["name"])
            if node["type"] == "Literal" and isinstance(node["value"], str):
                self.texts.add(node["raw"])

    def below(self, node: Node, names: frozenset[str], role: str) -> Iterator[Place]:
        """Those of a node and of what is in it, where so many names are known."""
        if node["type"] in FUNCTIONS:
            names |= {name for part in node["params"] for name in _bound(part)} | _declared_in(node["body"])
        if role in ("params", "id", "key", "property"):  # what is declared or asked for, not what is computed
            if role == "property" and node["type"] != "Identifier":
                yield from self.below(node, names, "")
            return
        if node["type"] == "Property" and node["shorthand"]:
            return
        yield from self.at(node, names)
        for field, value in node.items():
            for child in value if isinstance(value, list) else [value]:
                if _is_node(child):
                    computed = field == "property" and node["computed"]
                    yield from self.below(child, names, "" if computed else field)

    def at(self, node: Node, names: frozenset[str]) -> Iterator[Place]:
        """Those of a node itself."""
        span = _span(node)
        match node:
            case {"type": "Identifier", "name": name}:
                known = names if name in names else self.functions if name in self.functions else ()
                yield Place("name", span, others=tuple(sorted(set(known) - {name})))
            case {"type": "Literal", "value": str()}:
                yield Place("text", span, others=tuple(sorted(self.texts - {node["raw"]})))
            case {"type": "Literal", "value": int() | float()} if not isinstance(node["value"], bool):
                yield Place("number", span)
            case {"type": "BinaryExpression" | "LogicalExpression"}:
                yield self.operation(node)
            case {"type": "UnaryExpression", "operator": "-", "argument": operand}:
                yield Place("negative", span, (_span(operand),))
            case {"type": "ConditionalExpression" | "IfStatement", "test": test}:
                yield Place("condition", _span(test))
            case {"type": "ArrayExpression", "elements": elements}:
                yield Place("row", span, _spans(elements))
            case {"type": "BlockStatement", "body": body}:
                spans = tuple(_span(statement) for statement in body if statement["type"] in STATEMENTS)
                yield Place("block", span, spans)
        yield from self.of_calls(node)
        yield from self.of_members(node)

    def of_calls(self, node: Node) -> Iterator[Place]:
        """The arguments, and what stays if a call is dropped: one of them, or what a method is called of."""
        if node["type"] != "CallExpression":
            return
        arguments, callee = _spans(node["arguments"]), node["callee"]
        of = (_span(callee["object"]),) if callee["type"] == "MemberExpression" else ()
        yield Place("row", _span(node), arguments)
        yield Place("call", _span(node), (*arguments, *of))
        if callee["type"] == "MemberExpression" and callee["property"].get("name") == "slice":
            yield from (Place("index", argument) for argument in arguments)
        if callee["type"] == "MemberExpression" and callee["property"].get("name") in ("map", "flatMap", "reduce"):
            yield Place("sequence", _span(callee["object"]))

    def of_members(self, node: Node) -> Iterator[Place]:
        """What is asked of an object: by name, or by an index."""
        if node["type"] != "MemberExpression":
            return
        if node["computed"] and node["property"]["type"] != "TemplateLiteral":
            yield Place("index", _span(node["property"]))
        elif not node["computed"] and node["object"]["type"] == "Identifier":
            others = self.attributes[node["object"]["name"]] - {node["property"]["name"]}
            yield Place("name", _span(node["property"]), others=tuple(sorted(others)))

    def operation(self, node: Node) -> Place:
        """With the brackets of its sides, which are not in their own spans."""
        start, end = _span(node)
        left, right = _span(node["left"]), _span(node["right"])
        found = re.search(re.escape(node["operator"]), self.text[left[1] : right[0]])
        assert found is not None
        first, last = left[1] + found.start(), left[1] + found.end()
        blanks = len(self.text[last:]) - len(self.text[last:].lstrip())
        sides = (start, len(self.text[:first].rstrip())), (last + blanks, end)
        return Place("operation", (start, end), (sides[0], (first, last), sides[1]))


def _span(node: Node) -> Span:
    return node["start"], node["end"]


def _spans(nodes: Sequence[Node]) -> tuple[Span, ...]:
    return tuple(_span(node) for node in nodes)


def _is_node(value: object) -> bool:
    return isinstance(value, dict) and "type" in value


def _children(node: Node) -> Iterator[Node]:
    for value in node.values():
        for child in value if isinstance(value, list) else [value]:
            if _is_node(child):
                yield child


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in _children(node):
        yield from _all(child)


def _bound(pattern: Node) -> Iterator[str]:
    """The names that a pattern binds."""
    if pattern["type"] == "Identifier":
        yield pattern["name"]
    elif pattern["type"] == "Property":
        yield from _bound(pattern["value"])
    else:
        for child in _children(pattern):
            yield from _bound(child)


def _declared_in(body: Node) -> set[str]:
    """The names that a function's body declares, but for those of functions in it."""
    found: set[str] = set()
    if body["type"] == "VariableDeclarator":
        found |= set(_bound(body["id"]))
    for child in _children(body):
        if child["type"] not in FUNCTIONS:
            found |= _declared_in(child)
    return found
