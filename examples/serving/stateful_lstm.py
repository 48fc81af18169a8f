"""A stateful LSTM, as a layer that is fed a stream: it keeps h and c from call to call until it is reset.

rnn-goldens check stateful_lstm:StatefulLSTM --cell lstm --without bidirectional,lengths --calls chunks,steps,stateful
"""

import torch

from rnn_goldens.checkable_golden import Inputs

States = tuple[torch.Tensor, torch.Tensor]


class StatefulLSTM:
    """A torch LSTM that continues where the last call ended."""

    def __init__(self) -> None:
        self.states: States | None = None

    def reset_states(self) -> None:
        """Forget the states: the next call starts from zero, or from the states that it is given."""
        self.states = None

    def __call__(self, golden: Inputs) -> tuple[torch.Tensor, States]:
        """Return out, and the states after the next part of the sequence."""
        dtype = getattr(torch, golden.dtype)
        layer = torch.nn.LSTM(**golden.config, batch_first=True, dtype=dtype)
        layer.load_state_dict({name: torch.tensor(array) for name, array in golden.weights.items()})
        if golden.given_states:
            h0, c0 = (torch.tensor(state, dtype=dtype) for state in golden.given_states.values())
            self.states = h0, c0
        with torch.no_grad():
            out, self.states = layer(torch.tensor(golden.x, dtype=dtype), self.states)
        return out, self.states
