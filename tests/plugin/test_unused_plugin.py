"""A project that does not use the plugin imports only the plugin's hooks, options and messages of reports."""

import pytest

HEAVY = {"click", "h5py", "jsonschema", "numpy", "referencing", "rich", "torch"}


def test_an_unused_plugin_imports_only_what_hooks_need(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins may import other modules
    pytester.makeconftest(
        """
        import pathlib, sys

        def pytest_unconfigure():
            pathlib.Path("modules.txt").write_text("\\n".join(sys.modules))
        """
    )
    pytester.makepyfile("def test_it(tmp_path): assert tmp_path")
    result = pytester.runpytest_subprocess("-p", "rnn_goldens")
    assert result.parseoutcomes() == {"passed": 1}
    modules = set((pytester.path / "modules.txt").read_text("utf-8").splitlines())
    loaded = {name for name in modules if name.partition(".")[0] == "rnn_goldens"}
    light = {f"rnn_goldens.plugin.{name}" for name in ("hooks", "options")}
    assert loaded == {"rnn_goldens", "rnn_goldens.plugin", *light}
    assert not HEAVY & modules
