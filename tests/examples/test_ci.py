"""The recipes for CI, followed in an empty repository with the wheel and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "examples" / "ci"
PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["with-the-action.yml", "plain.yml"])
def test_the_page_shows_the_recipes(name: str) -> None:
    assert f"```yaml\n{(RECIPES / name).read_text('utf-8')}```\n" in PAGE


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: two that build in one folder get into each other's way."""
    folder = tmp_path_factory.mktemp("wheel")
    beside = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "node_modules")
    shutil.copytree(ROOT, folder / "project", ignore=beside)
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(folder / "project")]
    subprocess.run(command, check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


def followed(recipe: Path, folder: Path, wheel: Path, code: int) -> str:
    command = [sys.executable, *map(str, (RECIPES / "follow.py", recipe, folder, wheel))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")  # which is built once, then
def test_an_empty_repository_becomes_green_by_the_recipe_alone(tmp_path: Path, wheel: Path) -> None:
    said = followed(RECIPES / "plain.yml", tmp_path / "mine", wheel, 0)
    assert "55 passed" in said
    assert said.endswith("== green\n")
    assert (tmp_path / "mine" / "rnn-goldens.json").is_file()


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_the_action_checks_an_implementation_and_is_red_where_it_is_wrong(tmp_path: Path, wheel: Path) -> None:
    recipe, mine = tmp_path / "recipe.yml", tmp_path / "mine"
    text = (RECIPES / "with-the-action.yml").read_text("utf-8")
    own = "implementation: numpy\n          arguments: --ids documented/* --dtype float32"
    recipe.write_text(text.replace("arguments: --rnn-goldens-dtype=float32,float64", own), "utf-8")
    assert "4 passed" in followed(recipe, mine, wheel, 0)
    assert (mine / "rnn-goldens.html").is_file()
    recipe.write_text(recipe.read_text("utf-8").replace("implementation: numpy", "implementation: no_such"), "utf-8")
    assert "== red: Check against the goldens exits with 2" in followed(recipe, tmp_path / "other", wheel, 2)
