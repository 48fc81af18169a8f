"""Run a CI recipe in an empty repository, as a CI machine does: step by step, until a step fails.

    python examples/ci/follow.py RECIPE.yml FOLDER [WHEEL]

FOLDER becomes a git repository with the README's test. A step that ``uses`` this project's action runs the steps of
``action.yml``; other actions (checkout, setup-python, upload-artifact) are only printed, because a checkout and a
Python environment exist already. With a WHEEL, pip installs it instead of the package on the index.
"""

import os
import re
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = "rnn-goldens/rnn-goldens@"
PREPARED = ("actions/checkout@", "actions/setup-python@", "actions/upload-artifact@")
Step = Mapping[str, Any]


def main() -> None:
    """Exit with the code of the step that failed, or 0."""
    recipe, folder, *wheel = map(Path, sys.argv[1:])
    begin_repository(folder)
    python = folder.parent / f"{folder.name}-python"
    venv.create(python, with_pip=True)
    environment = {
        **os.environ,
        "PATH": f"{python / 'bin'}{os.pathsep}{os.environ['PATH']}",
        **({"PIP_FIND_LINKS": str(wheel[0].resolve().parent)} if wheel else {}),
    }
    for name, job in yaml.safe_load(recipe.read_text("utf-8"))["jobs"].items():
        print(f"== job {name}", flush=True)
        for step in job["steps"]:
            run(step, folder, environment)
    print("== green", flush=True)


def begin_repository(folder: Path) -> None:
    """Create an empty repository with the README's first test."""
    folder.mkdir(parents=True)
    snippet = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
    (folder / "test_my_rnn.py").write_text(snippet, "utf-8")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(["git", "-C", folder, "add", "."], check=True)


def run(step: Step, folder: Path, environment: Mapping[str, str], inputs: Mapping[str, str] | None = None) -> None:
    """Run a step of a recipe or of the action; exits with its code if it fails."""
    if "uses" in step:
        use(step, folder, environment)
        return
    variables = {name: filled(str(text), inputs or {}) for name, text in step.get("env", {}).items()}
    print(f"== {step['name']}", flush=True)
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    if code := subprocess.run(command, cwd=folder, env={**environment, **variables}, check=False).returncode:
        print(f"== red: {step['name']} exits with {code}", flush=True)
        sys.exit(code)


def use(step: Step, folder: Path, environment: Mapping[str, str]) -> None:
    """Run this project's action, step by step; other known actions do nothing here."""
    if not step["uses"].startswith(ACTION):
        if not step["uses"].startswith(PREPARED):
            sys.exit(f"{step['uses']}: unknown action")
        print(f"== {step['uses']} is already done", flush=True)
        return
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    arguments = step.get("with", {})
    if unknown := set(arguments) - set(action["inputs"]):
        sys.exit(f"{step['uses']} has no input {', '.join(sorted(unknown))}")
    inputs = {name: str(arguments.get(name, about["default"])) for name, about in action["inputs"].items()}
    for part in action["runs"]["steps"]:
        run(part, folder, environment, inputs)


def filled(text: str, inputs: Mapping[str, str]) -> str:
    """Return a text with its inputs filled in."""
    return re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: inputs[found[1]], text)


if __name__ == "__main__":
    main()
