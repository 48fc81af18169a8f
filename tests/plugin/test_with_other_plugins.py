"""The fixture together with other plugins and features of pytest."""

from collections.abc import Callable

import pytest

CheckWith = Callable[[str], None]


@pytest.mark.slow
def test_the_options_k_and_lf_and_node_ids_select_goldens(
    project: pytest.Pytester, check_with: CheckWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_with("wrong_in_batches")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p rnn_goldens")
    assert project.runpytest_subprocess().parseoutcomes() == {"passed": 1, "failed": 3}
    assert project.runpytest_subprocess("--lf").parseoutcomes() == {"failed": 3}
    result = project.runpytest_inprocess("-k", "mini-batch and not ascending")
    result.assert_outcomes(failed=1, deselected=3)
    result = project.runpytest_inprocess("test_my_rnn.py::test_my_rnn[documented/mini-batch-float32]")
    result.assert_outcomes(failed=1)


def test_parameters_classes_and_fixtures_receive_the_same_golden(run_module: Callable[..., pytest.RunResult]) -> None:
    result = run_module("""
        @pytest.fixture
        def outputs(rnn_golden):
            return rnn_golden, right(rnn_golden)

        class TestMyRnn:
            @pytest.mark.parametrize("device", ["cpu", "gpu"])
            def test_both(self, rnn_golden, outputs, device):
                assert outputs[0] is rnn_golden
                rnn_golden.check(*outputs[1])

            def test_fixture_only(self, outputs):
                golden, (out, h_n) = outputs
                golden.check(out, h_n)
    """)
    assert result.parseoutcomes() == {"passed": 12}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_asyncio_tests_can_check_goldens(project: pytest.Pytester, mode: str) -> None:
    project.makepyfile(
        f"""
        import asyncio, pytest
        from my_rnn import wrong_in_batches

        {"@pytest.mark.asyncio" if mode == "strict" else ""}
        async def test_it(rnn_golden):
            outputs = await asyncio.to_thread(wrong_in_batches, rnn_golden)
            rnn_golden.check(*outputs)
        """
    )
    result = project.runpytest_subprocess("-pasyncio", "-o", f"asyncio_mode={mode}")
    assert result.parseoutcomes() == {"passed": 1, "failed": 3}


@pytest.mark.slow
def test_hypothesis_can_vary_other_arguments(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import my_rnn
        from hypothesis import HealthCheck, given, settings, strategies

        quick = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

        @quick
        @given(scale=strategies.sampled_from([1, 2, 4]))
        def test_it(rnn_golden, scale):
            out, h_n = my_rnn.wrong_in_batches(rnn_golden)
            rnn_golden.check(out * scale / scale, h_n)

        @quick
        @given(scale=strategies.integers())
        def test_refused(rnn_golden, scale):
            rnn_golden.check(*my_rnn.refuses(rnn_golden))

        @quick
        @given(scale=strategies.integers())
        def test_forgotten(rnn_golden, scale): ...
        """
    )
    assert project.runpytest_subprocess().parseoutcomes() == {"passed": 1, "failed": 3 + 4, "refused": 4}
