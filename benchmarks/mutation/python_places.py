"""Where the functions of a Python module can be edited; docstrings, annotations and imports stay."""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from benchmarks.mutation.places import Place, Span

_Function = ast.FunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp
_OPERATOR = re.compile(r"[^\s()]+")


def places(text: str) -> list[Place]:
    """All of them, in the order of the text."""
    module = ast.parse(text)
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    reading = _Reading(text, module, tuple(function.name for function in functions))
    found = chain.from_iterable(reading.of_function(function) for function in functions)
    return sorted(found, key=lambda place: (place.span, place.what))


class _Reading:
    """One module, as it is gone through."""

    def __init__(self, text: str, module: ast.Module, functions: tuple[str, ...]) -> None:
        self.text, self.functions = text, functions
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.attributes: dict[str, set[str]] = {}
        for node in ast.walk(module):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                self.attributes.setdefault(node.value.id, set()).add(node.attr)

    def of_function(self, function: ast.FunctionDef) -> Iterator[Place]:
        """Those of a function's body."""
        arguments = [*function.args.args, *function.args.kwonlyargs]
        names = {argument.arg for argument in arguments} | _assigned(function)
        texts = {n.value for n in ast.walk(function) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        self.texts = texts - {ast.get_docstring(function, clean=False)}
        body = [node for node in function.body if not _is_docstring(node)]
        yield from self.block(body)
        for statement in body:
            yield from self.below(statement, names)

    def below(self, node: ast.AST, names: set[str]) -> Iterator[Place]:
        """Those of a node and of what is in it, where so many names are known."""
        if isinstance(node, _Comprehension):
            names = names | {n.id for part in node.generators for n in ast.walk(part.target) if isinstance(n, ast.Name)}
        yield from self.at(node, names)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "target") or (field == "targets" and isinstance(node, ast.Assign)):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self.below(child, names)

    def at(self, node: ast.AST, names: set[str]) -> Iterator[Place]:
        """Those of a node itself."""
        match node:
            case ast.Name(id=name):
                known = self.functions if name in self.functions else names if name in names else ()
                yield Place("name", self.span(node), others=tuple(sorted(set(known) - {name})))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                _, end = self.span(node)
                yield Place("name", (end - len(attribute), end), others=self.beside(name, attribute))
            case ast.Constant(value=str(value)):
                others = tuple(f'"{other}"' for other in sorted(self.texts - {value}))
                yield Place("text", self.span(node), others=others)
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                yield Place("number", self.span(node))
            case ast.BinOp(left=left, right=right) if not _holds_text(left) and not _holds_text(right):
                yield self.operation(node, left, right)
            case ast.Compare(left=left, comparators=[right]):
                yield self.operation(node, left, right)
                yield Place("condition", self.span(node))
            case ast.BoolOp(values=[left, right]):
                yield self.operation(node, left, right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                yield Place("negative", self.span(node), (self.span(operand),))
            case ast.Call(args=arguments):
                yield Place("call", self.span(node), self.spans(arguments))
                yield Place("row", self.span(node), self.spans(arguments))
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                yield Place("row", self.span(node), self.spans(parts))
            case ast.Subscript(slice=index):
                yield from self.indices(index)
            case ast.If(test=test) | ast.IfExp(test=test):
                yield Place("condition", self.span(test))
        yield from self.gone_through(node)

    def gone_through(self, node: ast.AST) -> Iterator[Place]:
        """What a loop goes through, and its statements; those of a condition."""
        if isinstance(node, ast.For | ast.comprehension):
            yield Place("sequence", self.span(node.iter))
        if isinstance(node, ast.For | ast.If):
            yield from self.block(node.body)

    def indices(self, index: ast.expr) -> Iterator[Place]:
        """The numbers in brackets: indices, ends of slices."""
        for part in index.elts if isinstance(index, ast.Tuple) else [index]:
            ends = [part.lower, part.upper] if isinstance(part, ast.Slice) else [part]
            for end in ends:
                if end is not None and not _holds_text(end) and not _is_none(end):
                    yield Place("index", self.span(end))

    def block(self, statements: Sequence[ast.stmt]) -> Iterator[Place]:
        """Statements in a row."""
        if statements:
            spans = self.spans(statements)
            yield Place("block", (spans[0][0], spans[-1][1]), spans)

    def operation(self, node: ast.expr, left: ast.expr, right: ast.expr) -> Place:
        """With the brackets of its sides, which are not in their own spans."""
        start, end = self.span(node)
        between = self.text[self.span(left)[1] : self.span(right)[0]]
        found = re.search(r"(?<![^\s)])[^\s()][^()]*(?=\s)", between) or _OPERATOR.search(between)
        assert found is not None
        first, last = (self.span(left)[1] + edge for edge in (found.start(), found.start() + len(found[0].rstrip())))
        sides = (start, len(self.text[:first].rstrip())), (last + self.blanks(last), end)
        return Place("operation", (start, end), (sides[0], (first, last), sides[1]))

    def blanks(self, start: int) -> int:
        """How many there are."""
        return len(self.text[start:]) - len(self.text[start:].lstrip())

    def beside(self, name: str, attribute: str) -> tuple[str, ...]:
        """What else is asked of the same object."""
        return tuple(sorted(self.attributes[name] - {attribute}))

    def span(self, node: ast.expr | ast.stmt) -> Span:
        """The characters of a node; sources are ASCII, so bytes are characters."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def spans(self, nodes: Sequence[ast.expr] | Sequence[ast.stmt]) -> tuple[Span, ...]:
        """Those of several."""
        return tuple(self.span(node) for node in nodes)


def _assigned(function: ast.FunctionDef) -> set[str]:
    """Names that a function assigns to, but for those of its comprehensions."""
    inner = {
        id(name)
        for node in ast.walk(function)
        if isinstance(node, _Comprehension)
        for part in node.generators
        for name in ast.walk(part.target)
    }
    stored = (n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return {name.id for name in stored if id(name) not in inner}


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and _holds_text(node.value)


def _holds_text(node: ast.expr) -> bool:
    """Whether it is text, or text that is put together."""
    if isinstance(node, ast.BinOp):
        return _holds_text(node.left) or _holds_text(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def is_valid(text: str) -> bool:
    """Whether it is Python."""
    try:
        compile(text, "edited", "exec")
    except SyntaxError:
        return False
    return True
