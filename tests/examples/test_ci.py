"""The recipes for CI run in an empty repository with the wheel."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "examples" / "ci"
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["with-the-action.yml", "plain.yml"])
def test_the_page_shows_the_recipes(name: str) -> None:
    assert f"```yaml\n{(RECIPES / name).read_text('utf-8')}```\n" in PAGE


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the project: parallel builds in one folder interfere."""
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "node_modules")
    shutil.copytree(ROOT, folder / "project", ignore=ignored)
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel"]
    subprocess.run([*build, "--outdir", folder, folder / "project"], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def followed(recipe: Path, folder: Path, wheel: Path, code: int) -> str:
    command = [sys.executable, *map(str, (RECIPES / "follow.py", recipe, folder, wheel))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")  # so that the wheel is built once
def test_a_recipe_passes_in_an_empty_repository(tmp_path: Path, wheel: Path) -> None:
    output = followed(RECIPES / "plain.yml", tmp_path / "mine", wheel, 0)
    assert "60 passed" in output
    assert output.endswith("== green\n")
    assert (tmp_path / "mine" / "rnn-goldens.json").is_file()


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_the_action_passes_for_numpy_and_fails_for_an_unknown_implementation(tmp_path: Path, wheel: Path) -> None:
    document = yaml.safe_load((RECIPES / "with-the-action.yml").read_text("utf-8"))
    steps = document["jobs"]["check"]["steps"]
    (action,) = (step for step in steps if "rnn-goldens" in step.get("uses", ""))
    numpy, unknown = ({"implementation": n, "arguments": "--ids documented/* --dtype float32"} for n in ("numpy", "no"))
    document["jobs"]["check"]["steps"] = [{**action, "with": numpy}, {**action, "with": unknown}]
    (tmp_path / "recipe.yml").write_text(yaml.safe_dump(document), "utf-8")
    output = followed(tmp_path / "recipe.yml", tmp_path / "mine", wheel, 2)
    assert "4 passed" in output
    assert (tmp_path / "mine" / "rnn-goldens.html").is_file()
    assert "== red: Check against the goldens exits with 2" in output
