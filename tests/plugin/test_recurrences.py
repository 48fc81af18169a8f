"""Recurrences through the fixtures: outputs apart, as a tuple, by name; call patterns; implementations by name."""

import pytest

OPTIONS = ("--rnn-goldens-cell=gated_delta", "--rnn-goldens-dtype=float32", "--rnn-goldens-corpus=v2")

KERNEL = """
import numpy as np

calls = []

def gated_delta(q, k, v, g, beta, state, scale):
    out, group = [], max(1, q.shape[2] // v.shape[2])
    q, k = (np.repeat(x, max(1, v.shape[2] // x.shape[2]), 2) for x in (q, k))
    s = state.astype(np.float32)
    for t in range(q.shape[1]):
        decay = np.exp(g[:, t])
        s = s * decay.reshape(*decay.shape, *[1] * (4 - decay.ndim))
        stored = np.einsum("bhkv,bhk->bhv", s, k[:, t])
        s = s + np.einsum("bhk,bhv->bhkv", k[:, t], (v[:, t] - stored) * beta[:, t, :, None])
        out.append(scale * np.einsum("bhkv,bhk->bhv", np.repeat(s, group, 1), q[:, t]))
    return np.stack(out, 1), s

def keeps_its_state(q, k, v, g, beta, state, scale):
    calls.append(state)
    same = [earlier for earlier in calls[:-1] if earlier.shape == state.shape and (earlier == state).all()]
    return gated_delta(q, k, v, g, beta, state + len(same), scale)

def of_golden(golden):
    scale = dict(golden.config).get("scale", dict(golden.config)["d_k"] ** -0.5)
    return gated_delta(**golden.inputs, state=golden.states["S0"], scale=scale)
"""


@pytest.fixture
def kernel(project: pytest.Pytester) -> pytest.Pytester:
    project.makepyfile(kernel=KERNEL)
    return project


def test_the_implementation_is_checked_by_its_name_in_all_call_patterns(kernel: pytest.Pytester) -> None:
    kernel.makepyfile("def test_it(rnn_golden, rnn_implementation): rnn_golden.check_calls(rnn_implementation)")
    calls = "--rnn-goldens-calls=twice,rows,chunks,views"
    named = "--rnn-goldens-implementation=kernel:gated_delta"
    result = kernel.runpytest_inprocess(*OPTIONS, calls, named)
    outcomes = result.parseoutcomes()
    assert outcomes["refused"] == 3
    assert outcomes.keys() == {"passed", "refused"}
    result.stdout.fnmatch_lines(["*3  gated_delta has no parameter offsets"])


def test_chunks_are_refused_with_the_reason_where_they_round_the_state(kernel: pytest.Pytester) -> None:
    kernel.makepyfile(
        "def test_it(rnn_golden, rnn_implementation): rnn_golden.check_calls(rnn_implementation, 'chunks')"
    )
    in_half = ("--rnn-goldens-implementation=numpy", "--rnn-goldens-calls=chunks", "--rnn-goldens-dtype=bfloat16")
    result = kernel.runpytest_inprocess(*OPTIONS, *in_half)
    result.assert_outcomes(passed=26)
    result.stdout.fnmatch_lines(
        [
            "chunks was refused for 22 of 26 goldens: a recurrence's state is float32 inside,",
            "  but bfloat16 between two calls: if that is intended, declare",
            "  --rnn-goldens-profile=all-stored",
            "calls=chunks was not run: it was refused",
        ]
    )


def test_a_kernel_that_keeps_its_state_fails(kernel: pytest.Pytester) -> None:
    kernel.makepyfile("def test_it(rnn_golden, rnn_implementation): rnn_golden.check_calls(rnn_implementation)")
    named = "--rnn-goldens-implementation=kernel:keeps_its_state"
    result = kernel.runpytest_inprocess(*OPTIONS, named, "--rnn-goldens-calls=twice", "-k", "several-steps")
    result.assert_outcomes(failed=1, deselected=26)
    result.stdout.fnmatch_lines(
        ["*gated-delta/several-steps in float32: the second call differs from the first: o is *"]
    )
