"""Lists the benchmarks, runs one, measures all results again, or lists the pages of results.

python -m benchmarks                  the list
python -m benchmarks NAME [--write]   --write renews its section in docs/results
python -m benchmarks results          renews every section that is not of this
                                      commit and corpus
python -m benchmarks pages [--today]  the corpus, commit and date of every page
"""

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence

from benchmarks import page, pages, results
from benchmarks.benchmark import Benchmark, Option
from benchmarks.catalogue import BENCHMARKS


def main(arguments: Sequence[str]) -> int:
    """Run a command; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="name", metavar="NAME")
    for one in BENCHMARKS:
        text, what = f"Measures {one.what}. Takes {one.takes}.", one.what.replace("%", "%%")
        command = commands.add_parser(one.name, help=what, description=text)
        for option in one.options:
            _add(command, option)
        if one.page or one.writes:
            command.add_argument("--write", action="store_true", help="write what it measures into docs")
    every = commands.add_parser("results", help="measure what the pages say; goes on where it was interrupted")
    every.add_argument("--engines", nargs="+", default=[], metavar="NAME", help="engines to measure as well; or: all")
    listed = commands.add_parser("pages", help="list the pages with results")
    listed.add_argument("--today", action="store_true", help="fail if one is of another corpus")
    given = vars(parser.parse_args(arguments))
    name = given.pop("name")
    if name is None:
        print(f"{__doc__}\n{_listed()}")
        return 0
    if name == "results":
        return results.measure(given["engines"])
    if name == "pages":
        return pages.show(only_today=given["today"])
    (benchmark,) = (one for one in BENCHMARKS if one.name == name)
    return _run(benchmark, given)


def _listed() -> str:
    width = max(len(one.name) for one in BENCHMARKS) + 2
    lines = [
        textwrap.fill(
            f"{one.what} ({one.takes})", 80, initial_indent=f"{one.name:<{width}}", subsequent_indent=" " * width
        )
        for one in BENCHMARKS
    ]
    return "\n".join([*lines, "", "python -m benchmarks NAME --help lists the options of one."])


def _add(parser: argparse.ArgumentParser, option: Option) -> None:
    match option.default:
        case False:
            parser.add_argument(f"--{option.name}", action="store_true", help=option.help)
        case ():
            parser.add_argument(option.name, nargs="*", help=option.help)
        case tuple():
            parser.add_argument(f"--{option.name}", nargs="+", type=int, default=option.default, help=option.help)
        case _:
            of_type, text = type(option.default), f"{option.help} (default: {option.default!r})"
            parser.add_argument(f"--{option.name}", type=of_type, default=option.default, help=text)


def _run(benchmark: Benchmark, given: dict[str, object]) -> int:
    os.environ.update(benchmark.environment)
    write = bool(given["write"] if benchmark.writes else given.pop("write", False))
    found = benchmark.run(**given)
    print(found.text)
    print(*found.wrong, sep="\n", file=sys.stderr)
    if found.wrong:
        print(f"{benchmark.name}: {len(found.wrong)} wrong{'; nothing was written' if write else ''}", file=sys.stderr)
        return 1
    if write and benchmark.page:
        versions = found.versions or page.versions(*benchmark.packages)
        line = page.line(command(benchmark, given), versions)
        page.replace(page.RESULTS / benchmark.page, benchmark.name, f"{found.text.strip()}\n\n{line}")
    return 0


def command(benchmark: Benchmark, given: dict[str, object]) -> str:
    """Return the command that measures a section, with the options that are not the default."""
    others = []
    for option in benchmark.options:
        value = given[option.name]
        if isinstance(value, list | tuple) and option.default == ():
            others += [f" {one}" for one in value]
        elif value not in (option.default, list(option.default) if isinstance(option.default, tuple) else None):
            others.append(f" --{option.name}" if value is True else f" --{option.name} {value}")
    return f"python -m benchmarks {benchmark.name}{''.join(others)} --write"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
