"""Validate the schemas and all files with third-party validators: check-jsonschema, jsonschema and ajv.

    make examples          # installs the validators and runs this

Each schema is used alone, without other registered schemas. ajv runs in strict mode. Each validator must reject an
invalid golden. Exits with 1 at the first failure.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SCHEMAS = ROOT / "schema"
CORPUS = ROOT / "fixtures" / "v2"
BIN = Path(sys.executable).parent
AJV = HERE / "node_modules" / ".bin" / "ajv"
STRICT = ("--spec=draft2020", "--strict=true", "--all-errors")
ALONE = {"index.json", "kill-matrix.json", "gradients-kill-matrix.json"}

COMMANDS: dict[str, Callable[[Path, Sequence[Path]], list[Path | str]]] = {
    "check-jsonschema": lambda schema, files: [BIN / "check-jsonschema", "--schemafile", schema, *files],
    "python -m jsonschema": lambda schema, files: [
        *(sys.executable, "-W", "ignore", "-m", "jsonschema"),
        *(part for file in files for part in ("-i", file)),
        schema,
    ],
    "ajv": lambda schema, files: [
        *(AJV, "validate", *STRICT, "-s", schema),
        *(part for file in files for part in ("-d", file)),
    ],
}
"""The commands that validate files."""


def main() -> None:
    """Validate all schemas, all files of the corpus, the output of the commands, and an invalid golden."""
    schemas = sorted(SCHEMAS.glob("*.schema.json"))
    require([BIN / "check-jsonschema", "--check-metaschema", *schemas], "check-jsonschema: the schemas are valid")
    for schema in schemas:
        require([AJV, "compile", *STRICT, "-s", schema], f"ajv, strict: {schema.name} alone")
    with tempfile.TemporaryDirectory() as scratch:
        for kind, files in documents(Path(scratch)):
            schema = SCHEMAS / f"{kind}.schema.json"
            for name, command in COMMANDS.items():
                require(command(schema, files), f"{name}: {len(files)} of kind {kind}")
        broken = wrong(Path(scratch))
        for name, command in COMMANDS.items():
            require(
                command(SCHEMAS / "golden-1.schema.json", [broken]), f"{name}: a wrong golden is refused", right=False
            )


def documents(scratch: Path) -> Iterator[tuple[str, Sequence[Path]]]:
    """Yield every file with the name of its schema."""
    every = sorted(path for path in CORPUS.rglob("*.json") if path.name not in ALONE)
    yield "golden-1", [path for path in every if not path.name.endswith(".gradients.json")]
    yield "gradients-1", [path for path in every if path.name.endswith(".gradients.json")]
    yield "index-1", [CORPUS / "index.json"]
    yield "kill-matrix-1", [CORPUS / "kill-matrix.json", CORPUS / "gradients-kill-matrix.json"]
    yield "conformance-1", [ROOT / "docs" / "conformance.json"]
    rnn_goldens = BIN / "rnn-goldens"
    results = scratch / "results.json"
    subprocess.run([str(rnn_goldens), "check", "numpy", "-q", f"--report={results}"], check=True, capture_output=True)
    yield "results-1", [results]
    for version, options in ((1, ["--ids=*/plain"]), (2, ["--ids=*/plain", "--gradients"])):
        command = [str(rnn_goldens), "protocol", *options]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        for kind, every_other in (("request", lines[::2]), ("answer", lines[1::2])):
            files = [scratch / f"{kind}-{version}-{number}.json" for number in range(len(every_other))]
            for file, line in zip(files, every_other, strict=True):
                file.write_text(line, "utf-8")
            yield f"protocol-{kind}-{version}", files


def wrong(scratch: Path) -> Path:
    """Write a golden whose hidden size is a string; return its path."""
    golden = json.loads((CORPUS / "lstm" / "plain.json").read_text("utf-8"))
    golden["config"]["hidden_size"] = "3"
    path = scratch / "wrong.json"
    path.write_text(json.dumps(golden), "utf-8")
    return path


def require(command: Sequence[Path | str], what: str, *, right: bool = True) -> None:
    """Run a command that must succeed, or fail if not ``right``; otherwise prints its output and exits with 1."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if (done.returncode == 0) != right:
        print(f"✗ {what}\n{done.stdout[-2000:]}{done.stderr[-2000:]}", file=sys.stderr)
        sys.exit(1)
    print(f"✓ {what}", flush=True)


if __name__ == "__main__":
    main()
