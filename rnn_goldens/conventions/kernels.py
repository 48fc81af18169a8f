"""How libraries call kernels of recurrences: the table of their conventions.

A function follows a convention if it has the parameters that only this convention has, and is in its package if other
packages use the same names. docs/kernel-layouts.md has the table for readers.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any

from rnn_goldens.conventions.kernel_convention import GATES, KEYS_EACH, OFFSETS, KernelConvention, KernelLayout
from rnn_goldens.golden.call import OTHER_NAMES
from rnn_goldens.golden.recurrences import BY_HEAD, BY_KEY, RECURRENCES

_ATTENTION = ("linear_attention", "gated_linear_attention", "delta_rule", "gated_delta")
_SCANS = ("selective_scan", "mamba")
_A_STATE_EACH = "several query heads for each head: it has a state for each query head"
_A_BETA_EACH = "one beta for all heads"
_A_HEAD_EACH = {"grouped": _A_STATE_EACH, "one-beta": _A_BETA_EACH}
_TIME_FIRST = {"head_first": False}
_NO_NORM = {"use_qk_l2norm_in_kernel": False, **_TIME_FIRST}
_RETURN_STATE = {"output_final_state": True, **_NO_NORM}
_POOL_OF_SGLANG = KernelLayout(state="value key", slots="initial_state_indices", in_place=True)

_CU_SEQLENS = {"cu_seqlens": OFFSETS}
"""What many kernels call the offsets."""

_of_gated_delta = partial(KernelConvention, cells=("gated_delta",), decays={"": BY_HEAD}, lacking=_A_HEAD_EACH)
"""Returns the convention of kernels of gated delta rules, most of which take a decay by head."""

_of_fla = partial(KernelConvention, "flash-linear-attention", run="fla-core 0.6.0, Triton's interpreter")

_DECAYS_OF_FLA = {"simple_gla": BY_HEAD, "_gla": BY_KEY, "kda": BY_KEY, "chunk_gated_delta_rule": BY_HEAD}


Values = Mapping[str, Any]


def _activation(of: Values) -> str | None:
    return None if of["activation"] == "none" else of["activation"]


def _has_softplus(of: Values) -> bool:
    return bool(of.get("step_size", "softplus") == "softplus")


def _limits(of: Values) -> tuple[float, float]:
    return of["dt_min"], inf if of["dt_max"] is None else of["dt_max"]


def _in_groups(name: str) -> Callable[[Values], Any]:
    """Return a function that returns an array with an axis of groups, one if the golden has none."""
    return lambda of: of[name] if of[name].ndim > 3 else of[name][:, :, None]  # noqa: PLR2004 - (batch, time, n)


_OF_GATES: dict[str, Any] = {
    "names": {**_CU_SEQLENS, "g": "a", "beta": "b", "allow_neg_eigval": "beta_limit", "safe_gate": "lower_bound"},
    "flags": {
        "output_final_state": True,
        "use_qk_l2norm_in_kernel": True,
        "use_gate_in_kernel": True,
        "use_beta_sigmoid_in_kernel": True,
    },
    "values": {
        "allow_neg_eigval": lambda of: of["beta_limit"] == 2,  # noqa: PLR2004 - the only other limit than one
        "safe_gate": lambda of: of["lower_bound"] is not None,
        "dt_bias": lambda of: of["dt_bias"].reshape(-1),
    },
    "keywords": ("A_log", "dt_bias", "use_gate_in_kernel"),
    "layout": KernelLayout(float32=("S0",)),
}
"""How flash-linear-attention calls kernels that compute norms and gates themselves."""

_of_state_update = partial(
    KernelConvention,
    "mamba_ssm",
    cells=_SCANS,
    names={"x": "u", "dt_softplus": "step_size"},
    values={"dt_softplus": _has_softplus},
    lacking={"grouped-channels": "groups of channels: its groups are of heads"},
)

KERNELS = (
    KernelConvention(
        "transformers",
        "torch_recurrent_gated_delta_rule, torch_chunk_gated_delta_rule",
        _ATTENTION,
        signs=("query", "output_final_state"),
        names={"query": "q", "key": "k", "value": "v"},
        flags=_RETURN_STATE,
        decays={"gated_delta_rule": BY_HEAD},
        lacking={
            "grouped": _A_STATE_EACH,
            "grouped-values": "several heads for each key head: the caller repeats queries and keys",
            "one-beta": _A_BETA_EACH,
        },
        run="transformers 5.24.0, torch on a CPU",
    ),
    _of_gated_delta(
        "flashinfer",
        "gdn_prefill: chunk_gated_delta_rule",
        signs=("output_final_state", "output_state"),
        names=_CU_SEQLENS,
        flags=_RETURN_STATE,
        layout=KernelLayout(order="tokens head", state="value key", decay="factor", float32=("g", "beta", "S0")),
        version="0.7.4",
    ),
    _of_gated_delta(
        "flashinfer",
        "gdn_decode: gated_delta_rule_mtp",
        signs=("A_log", "use_qk_l2norm", "disable_state_update"),
        without=("state",),
        names={**GATES, "initial_state": "state"},
        flags={"use_qk_l2norm": False, "disable_state_update": False},
        layout=KernelLayout(
            state="value key", decay="A_log", float32=("S0",), slots="initial_state_indices", in_place=True
        ),
        version="0.7.4",
    ),
    _of_gated_delta(
        "flashinfer",
        "gdn_decode: gated_delta_rule_decode_pretranspose",
        signs=("A_log", "use_qk_l2norm", "initial_state_indices"),
        names=GATES,
        flags={"use_qk_l2norm": False, "initial_state": None},
        layout=KernelLayout("batch 1 head", state="value key", decay="A_log", float32=("S0",), in_place=True),
        version="0.7.4",
    ),
    _of_gated_delta(
        "flashinfer",
        "gdn_decode: gated_delta_rule_decode",
        signs=("A_log", "use_qk_l2norm"),
        names=GATES,
        flags={"use_qk_l2norm": False},
        layout=KernelLayout("batch 1 head", decay="A_log", float32=("S0",), in_place=True),
        version="0.7.4",
    ),
    _of_gated_delta(
        "vllm",
        "fused_recurrent_gated_delta_rule",
        signs=("inplace_final_state", "ssm_state_indices"),
        names={**_CU_SEQLENS, "initial_state": "state"},
        flags={"inplace_final_state": True, **_NO_NORM},
        layout=KernelLayout(
            "1 tokens head", state="value key", slots="ssm_state_indices", slots_by_step=True, in_place=True
        ),
        run="vllm 0.33.0, Triton's interpreter",
        decays={"kda": BY_KEY, "": BY_HEAD},
    ),
    _of_gated_delta(
        "vllm",
        "chunk_gated_delta_rule, chunk_kda",
        signs=("output_final_state",),
        package="vllm",
        names=_CU_SEQLENS,
        flags=_RETURN_STATE,
        layout=KernelLayout(state="value key"),
        decays={"kda": BY_KEY, "": BY_HEAD},
        run="vllm 0.33.0, Triton's interpreter (chunk_kda not run)",
    ),
    _of_gated_delta(
        "sglang",
        "chunk_gated_delta_rule",
        signs=("initial_state_indices", "inplace_update"),
        names={**_CU_SEQLENS, "initial_state": "state"},
        flags={"inplace_update": True, **_NO_NORM},
        layout=_POOL_OF_SGLANG,
        run="sglang 0.5.23, Triton's interpreter",
    ),
    _of_gated_delta(
        "sglang",
        "fused_recurrent_gated_delta_rule_update",
        signs=("initial_state_source", "initial_state_indices"),
        names={**_CU_SEQLENS, "initial_state_source": "state"},
        flags={"disable_state_update": False, **_NO_NORM},
        layout=_POOL_OF_SGLANG,
        run="sglang 0.5.23, Triton's interpreter",
    ),
    _of_gated_delta(
        "sglang",
        "fused_recurrent_gated_delta_rule",
        signs=("output_final_state",),
        package="sglang",
        names=_CU_SEQLENS,
        flags=_RETURN_STATE,
        layout=KernelLayout(state="value key"),
        run="sglang 0.5.23, Triton's interpreter",
    ),
    _of_fla(
        "modules: causal_conv1d",
        ("causal_conv",),
        signs=("x", "weight", "output_final_state"),
        names=_CU_SEQLENS,
        flags=_RETURN_STATE,
        layout=KernelLayout(window="width"),
        values={"activation": _activation},
    ),
    _of_fla(
        "chunk_… and fused_recurrent_… of the four rules, chunk_kda",
        _ATTENTION,
        signs=("output_final_state",),
        names=_CU_SEQLENS,
        flags=_RETURN_STATE,
        by_key="gk",
        with_key_heads=("gated_delta_rule", "kda"),
        decays=_DECAYS_OF_FLA,
        lacking=_A_HEAD_EACH,
    ),
    _of_fla(
        "chunk_… and fused_recurrent_gated_delta_rule, with norms and gates",
        ("gated_delta_net",),
        signs=("output_final_state", "use_beta_sigmoid_in_kernel"),
        without=("lower_bound",),
        **_OF_GATES,
    ),
    _of_fla(
        "chunk_kda and fused_recurrent_kda, with norms and gates",
        ("kda",),
        signs=("output_final_state", "use_beta_sigmoid_in_kernel", "lower_bound"),
        **_OF_GATES,
    ),
    _of_fla(
        "chunk_simple_gla and fused_recurrent_simple_gla, with a fixed decay",
        ("retention",),
        signs=("output_final_state", "g_gamma"),
        names={**_CU_SEQLENS, "g_gamma": "log_decay"},
        flags=_RETURN_STATE,
        lacking={"grouped-values": KEYS_EACH},
    ),
    _of_fla(
        "chunk_… and fused_recurrent_… of RWKV-6 and RWKV-7",
        ("rwkv6", "generalized_delta"),
        signs=("output_final_state", "r", "w"),
        names={**_CU_SEQLENS, "r": "q", "w": "g"},
        flags=_RETURN_STATE,
    ),
    _of_fla(
        "chunk_… and fused_recurrent_dplr_delta_rule",
        ("generalized_delta",),
        signs=("output_final_state", "a", "b", "gk"),
        names=_CU_SEQLENS,
        flags=_RETURN_STATE,
        by_key="gk",
    ),
    _of_gated_delta(
        "mlx-lm",
        "gated_delta: gated_delta_update",
        signs=("q", "k", "v", "a", "b", "A_log", "mask"),
        names=GATES,
        layout=KernelLayout(state="value key", decay="A_log", scale="one", float32=("S0",)),
        run="mlx-lm 0.32.2, MLX on a CPU",
    ),
    _of_gated_delta(
        "mlx-lm",
        "gated_delta: gated_delta_ops, gated_delta_kernel",
        signs=("q", "k", "v", "g", "beta", "mask"),
        package="mlx_lm",
        decays={},
        layout=KernelLayout(state="value key", decay="factor", scale="one", float32=("g", "beta", "S0")),
        run="mlx-lm 0.32.2, MLX on a CPU (gated_delta_kernel not run)",
    ),
    KernelConvention(
        "mamba_ssm",
        "selective_scan_fn, selective_scan_ref",
        _SCANS,
        signs=("delta_softplus",),
        names={"delta": "dt", "delta_bias": "dt_bias", "delta_softplus": "step_size"},
        values={"delta_softplus": _has_softplus},
        flags={"return_last_state": True},
        layout=KernelLayout("batch channel time"),
        run="mamba_ssm 2.3.2, its reference in torch",
    ),
    _of_state_update(
        functions="selective_state_update, in Triton",
        cells=("mamba",),  # without dt_bias it raises TypeError
        signs=("state", "dt_softplus", "state_batch_indices"),
        layout=KernelLayout("batch head", slots="state_batch_indices", in_place=True),
        run="mamba_ssm 2.3.2, Triton's interpreter",
    ),
    _of_state_update(
        functions="selective_state_update_ref",
        signs=("state", "dt_softplus"),
        layout=KernelLayout("batch head", in_place=True),
        run="mamba_ssm 2.3.2",
    ),
    KernelConvention(
        "mamba_ssm",
        "mamba_chunk_scan_combined",
        ("mamba2",),
        signs=("dt_limit", "return_final_states"),
        names={"initial_states": "state", "dt_limit": "dt_max"},
        flags={"chunk_size": 64, "dt_softplus": True, "return_final_states": True},
        values={"B": _in_groups("B"), "C": _in_groups("C"), "dt_limit": _limits},
        carried=("dt_min",),
        run="mamba_ssm 2.3.2, Triton's interpreter",
    ),
    KernelConvention(
        "causal_conv1d",
        "causal_conv1d_fn, causal_conv1d_ref",
        ("causal_conv",),
        signs=("return_final_states",),
        names={"initial_states": "state"},
        flags={"return_final_states": True},
        layout=KernelLayout("batch channel time"),
        values={"activation": _activation},
        run="causal_conv1d 1.7.0, its reference in torch",
    ),
    KernelConvention(
        "causal_conv1d",
        "causal_conv1d_update",
        ("causal_conv",),
        signs=("conv_state", "cache_seqlens"),
        names={"conv_state": "state"},
        layout=KernelLayout("batch head", window="circular", integers="int32", in_place=True),
        values={"activation": _activation},
        run="causal_conv1d 1.7.0, its reference in torch",
    ),
    _of_gated_delta(
        "ggml",
        "ggml_gated_delta_net, from Python",
        signs=(),
        package="ggml",
        decays={},
        layout=KernelLayout(state="value key", heads="tiled"),
        run="ggml 0.25.3, the CPU backend",
    ),
)
"""The known conventions. Of a recurrence, the first one that a function follows is its own."""

PLAIN = KernelConvention(
    "rnn-goldens", "", tuple(RECURRENCES), signs=(), names={**_CU_SEQLENS, **OTHER_NAMES}, flags=_TIME_FIRST
)
"""Our own names and layout."""

_PLACES = "state_indices"


def _plain(parameters: Collection[str], optional: Collection[str]) -> KernelConvention:
    """Return our own convention for a function with these parameters: in a pool if one always receives places in it."""
    of_places = {name for name in parameters if PLAIN.ours(name) == _PLACES}
    slots = _PLACES if of_places.difference(optional) else ""
    return replace(PLAIN, layout=KernelLayout(slots=slots, in_place=None)) if of_places else PLAIN


def kernel_conventions(
    parameters: Collection[str], package: str = "", optional: Collection[str] = ()
) -> tuple[KernelConvention, ...]:
    """Return the conventions of a function, each of other recurrences: those of its library that it follows.

    Args:
        parameters: the names of its parameters.
        package: its top-level package.
        optional: the names of the parameters that have a default.
    """
    followed = [one for one in KERNELS if one.is_of(parameters, package)]
    of_library = of_other_cells(one for one in followed if one.library == followed[0].library)
    return of_library or (_plain(parameters, optional),)


def of_other_cells(conventions: Iterable[KernelConvention]) -> tuple[KernelConvention, ...]:
    """Return the conventions with recurrences that none before it has."""
    found = list[KernelConvention]()
    for one in conventions:
        if not {*one.cells} <= {cell for before in found for cell in before.cells}:
            found.append(one)
    return tuple(found)
