"""Changes that a test makes to its process do not affect the next golden."""

import json

import pytest

ONE = '@pytest.mark.rnn_goldens(ids="documented/mini-batch")'

STATE = """
import ctypes, os, random, sys, tempfile
import numpy as np, pytest
from my_rnn import forgetful, right

def state():
    settings = {
        "folder": os.getcwd(), "errors": (np.geterr(), np.geterrcall()), "subnormal": 5e-324 * len(os.sep),
        "random": random.getstate(), "numpy's random": np.random.get_state()[1].tolist(),
    }
    if "torch" in sys.modules:
        import torch
        settings |= {
            "dtype": torch.get_default_dtype(), "device": torch.get_default_device(), "grad": torch.is_grad_enabled(),
            "torch's random": torch.get_rng_state().tolist(),
        }
    return settings

@pytest.fixture(scope="session", autouse=True)
def at_first():
    return state()
"""

CHANGES = {
    "folder": 'os.chdir("/")',
    "folder_that_is_gone": "os.chdir(tempfile.mkdtemp()); os.rmdir(os.getcwd())",
    "numpy_errors": 'np.seterr(all="raise")',
    "numpy_error_call": "np.seterrcall(print)",
    "seed": "random.seed(7)",
    "numpy_seed": "np.random.seed(7)",
    "numpy_random_numbers": "np.random.normal(size=700)",
}

TORCH_CHANGES = {
    "dtype": "torch.set_default_dtype(torch.float64)",
    "device": 'torch.set_default_device("meta")',
    "grad": "torch.set_grad_enabled(False)",
    "seed": "torch.manual_seed(7)",
    "subnormal_numbers": "torch.set_flush_denormal(True)",
}


def with_outputs(name: str, statement: str) -> str:
    """Return a test that runs a statement between computing correct outputs and checking them."""
    lines = [f"def test_{name}(rnn_golden):", "outputs = right(rnn_golden)", statement, "rnn_golden.check(*outputs)"]
    return "\n".join([ONE, "\n    ".join(lines)])


def changes_and_checks(changes: dict[str, str]) -> str:
    """Return a module with a test for each change, each followed by a test that the state is unchanged."""
    tests = [
        f"{with_outputs(name, change)}\n\ndef test_after_{name}(at_first):\n    assert state() == at_first\n"
        for name, change in changes.items()
    ]
    return "\n".join([STATE, *tests])


def failures(project: pytest.Pytester, module: str, *options: str) -> dict[str, str]:
    """Run a module to its end; return the first line of each test's failure."""
    (project.path / "test_it.py").write_text(module, "utf-8")
    result = project.runpytest_subprocess("-q", "--tb=line", *options)
    assert result.ret in (0, 1), result.stdout.str() + result.stderr.str()
    lines = [line for line in result.outlines if line.startswith(("FAILED ", "ERROR "))]
    return {line.split("::")[1].split(" - ")[0].partition("[")[0]: line.partition(" - ")[2] for line in lines}


def test_process_settings_that_a_test_changes_are_restored(project: pytest.Pytester) -> None:
    unused = "\ndef test_restoring_does_not_import_torch():\n    assert 'torch' not in list(sys.modules)\n"
    assert failures(project, changes_and_checks(CHANGES) + unused) == {}


@pytest.mark.slow
def test_torch_settings_that_a_test_changes_are_restored(project: pytest.Pytester) -> None:
    module = changes_and_checks(TORCH_CHANGES).replace("import numpy", "import torch\nimport numpy")
    assert failures(project, module) == {}


@pytest.mark.slow
def test_another_bit_generator_or_default_device_is_not_an_error(project: pytest.Pytester) -> None:
    project.makeconftest(
        "import numpy as np, torch\nnp.random.set_bit_generator(np.random.PCG64(1))\ntorch.set_default_device('meta')\n"
    )
    seeds = with_outputs("seeds", "torch.manual_seed(0); np.random.normal()")
    module = f"import numpy as np, pytest, torch\nfrom my_rnn import right\n{seeds}"
    assert failures(project, module, "-W", "error") == {}


@pytest.mark.slow
def test_changes_by_the_first_test_that_imports_torch_are_restored(project: pytest.Pytester) -> None:
    module = f"""{STATE}
{ONE}
def test_first(rnn_golden):
    import torch
    torch.set_default_dtype(torch.float64)
    rnn_golden.check(*right(rnn_golden))

def test_then():
    import torch
    assert torch.get_default_dtype() == torch.float32
"""
    assert failures(project, module) == {}


def test_settings_of_fixtures_of_any_scope_stay_for_their_tests(project: pytest.Pytester) -> None:
    module = f"""{STATE}
@pytest.fixture(scope="session", autouse=True)
def for_all():
    np.seterr(all="raise")

@pytest.fixture(scope="module", autouse=True)
def for_a_module(tmp_path_factory):
    os.chdir(tmp_path_factory.mktemp("there"))

@pytest.fixture
def for_a_test(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

@pytest.mark.rnn_goldens(ids="documented/*")
def test_module_scope(rnn_golden):
    assert os.path.basename(os.getcwd()) == "there0"
    assert np.geterr()["over"] == "raise"
    os.chdir("/")
    np.seterr(all="ignore")
    rnn_golden.check(*right(rnn_golden))

{ONE}
def test_of_its_own(rnn_golden, for_a_test, tmp_path):
    assert os.getcwd() == str(tmp_path)
    rnn_golden.check(*right(rnn_golden))

def test_last():
    assert os.path.basename(os.getcwd()) == "there0"

@pytest.mark.rnn_goldens(ids="documented/*")
def test_settings_of_an_imported_module_stay(rnn_golden):
    import my_settings
    assert np.geterr()["under"] == "print"
    rnn_golden.check(*right(rnn_golden))
"""
    project.makepyfile(my_settings="import numpy as np\nnp.seterr(under='print')\n")
    assert failures(project, module) == {}


MISBEHAVIOURS = {
    "raise KeyError('no such weight')": "KeyError: 'no such weight'",
    "raise BaseException('enough')": "BaseException: enough",
    "raise GeneratorExit": "GeneratorExit",
    "sys.exit(0)": "SystemExit: 0",
    "forever = lambda: forever(); forever()": "RecursionError: maximum recursion depth exceeded",
    "rnn_golden.x[0] = 0": "ValueError: assignment destination is read-only",
    "ctypes.memset(rnn_golden.x.ctypes.data, 0, 4)": "wrote into x: inputs and weights belong to the caller",
    "ctypes.memset(rnn_golden.weights['weight_hh_l0'].ctypes.data, 0, 4)": "wrote into weight_hh_l0",
    "outputs = np.broadcast_to(1.0, (10**5, 10**5)), None": "has shape (100000, 100000), more than any golden has",
    "outputs = [Endless()], None": "of 1,000,000,000,000 parts, more than any golden has",
    "outputs = np.ma.masked_all((2, 3, 2)), None": "has 12 masked elements, which have no value",
    "outputs = (type('', (), {})(),) * 2": "not an array of numbers",
}
"""Statements before ``check``, and the messages of their failures."""

CLASSES = """
class Endless:
    def __len__(self): return 10**12
    def __getitem__(self, index): return 1.0
"""


@pytest.mark.slow
def test_each_misbehaviour_fails_its_own_golden_with_a_reason(project: pytest.Pytester) -> None:
    tests = [
        f"{with_outputs(str(number), statement)}\n\n{with_outputs(f'after_{number}', 'pass')}\n"
        for number, statement in enumerate(MISBEHAVIOURS)
    ]
    (project.path / "test_it.py").write_text("\n".join([STATE, CLASSES, *tests]), "utf-8")
    result = project.runpytest_subprocess("--rnn-goldens-report=results.json", "-vv")
    assert result.ret == 1
    document = json.loads((project.path / "results.json").read_text("utf-8"))
    outcomes = {e["test"].partition("::test_")[2].partition("[")[0]: e["outcome"] for e in document["results"]}
    assert outcomes == {
        **{str(number): "failed" for number in range(len(MISBEHAVIOURS))},
        **{f"after_{number}": "passed" for number in range(len(MISBEHAVIOURS))},
    }
    printed = result.stdout.str()
    assert [message for message in MISBEHAVIOURS.values() if message not in printed] == []
