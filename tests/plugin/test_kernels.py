"""A wrong kernel of 128 by 128 in 257 steps gets its cause, or the place from which it is wrong."""

import pytest

KERNELS = """
import numpy as np

def right(q, k, v, g, beta, state, scale):
    out, s = [], state.astype(np.float32)
    for t in range(q.shape[1]):
        s = s * np.exp(g[:, t])[..., None, None]
        held = np.einsum("bhkv,bhk->bhv", s, k[:, t])
        s = s + np.einsum("bhk,bhv->bhkv", k[:, t], (v[:, t] - held) * beta[:, t, :, None])
        out.append(scale * np.einsum("bhkv,bhk->bhv", s, q[:, t]))
    return np.stack(out, 1), s

def without_scale(q, k, v, g, beta, state, scale):
    return right(q, k, v, g, beta, state, 1.0)

def beyond_64(q, k, v, g, beta, state, scale):
    o, s = right(q, k, v, g, beta, state, scale)
    return np.where(np.arange(128) < 64, o, 0), np.where(np.arange(128) < 64, s, 0)

def keys_beyond_64(q, k, v, g, beta, state, scale):
    before = np.arange(128) < 64
    o, s = right(np.where(before, q, 0), np.where(before, k, 0), v, g, beta, state, scale)
    return o, np.where(before[:, None], s, state)
"""

GOLDEN = "kernels/gated-delta/128-by-128"


@pytest.mark.parametrize(
    ("kernel", "cause"),
    [
        ("right", "*1 passed in *"),
        pytest.param("without_scale", "  scale_left_out: Leaves out the scale.", marks=pytest.mark.slow),
        pytest.param(
            "beyond_64", "  - outputs are right before value 64 and wrong from there on", marks=pytest.mark.slow
        ),
        ("keys_beyond_64", "  - inputs from key 64 on have no effect: does a loop stop early?"),
    ],
)
def test_a_kernel_of_128_by_128_gets_its_verdict(project: pytest.Pytester, kernel: str, cause: str) -> None:
    project.makepyfile(
        kernels=KERNELS,
        test_it="def test_it(rnn_golden, rnn_implementation): rnn_golden.check_calls(rnn_implementation)",
    )
    named = f"--rnn-goldens-implementation=kernels:{kernel}"
    result = project.runpytest_inprocess("--rnn-goldens-corpus=kernels", f"--rnn-goldens-ids={GOLDEN}", named)
    result.stdout.fnmatch_lines([cause])
