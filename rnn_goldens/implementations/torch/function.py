"""Gradients of a function of a golden that computes in torch, by ``torch.autograd``."""

import numpy as np
import torch

from rnn_goldens.checkable.golden import Question
from rnn_goldens.errors import RnnGoldensError, Unsupported
from rnn_goldens.implementations.torch.gradients import Gradients
from rnn_goldens.implementations.torch.gradients import gradients as of_outputs
from rnn_goldens.implementations.traced import Function, arrays_of, traced, untraceable, with_cotangents


def gradients(function: Function, golden: Question) -> Gradients:
    """By name, for a question's cotangents; None of an array that no output follows from.

    Raises:
        Unsupported: the function does not compute with the tensors it is given.
        TypeError: one of its outputs alone follows from none of them, or has another shape than its cotangent.
    """
    __tracebackhide__ = True
    leaves = {name: torch.tensor(array).requires_grad_() for name, array in arrays_of(golden).items()}
    try:
        outputs = function(traced(golden, leaves, lambda array: torch.tensor(np.asarray(array))))
    except RnnGoldensError:
        raise
    except Exception as error:  # the call before, with NumPy's arrays, had none
        raise untraceable("torch", error) from error
    found = with_cotangents(golden, outputs)
    if not any(getattr(output, "requires_grad", False) for output in found.values()):
        raise Unsupported(
            "torch can not differentiate the function: no output follows from the tensors it is given, which "
            "torch.tensor, detach and torch.no_grad cut off, and torch.as_tensor does not"
        )
    return of_outputs(golden, outputs, leaves)
