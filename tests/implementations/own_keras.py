"""Layers of users in Keras. They are correct, except where a name or comment names a bug."""

from typing import Any

import keras


class MyKerasLSTM(keras.layers.LSTM):  # type: ignore[misc]
    """A class that is not registered with Keras."""


class MyKerasGRUThatKeepsItsState(keras.layers.GRU):  # type: ignore[misc]
    last: Any = None

    def call(self, sequence: Any, initial_state: Any = None, **more: Any) -> Any:
        result = super().call(sequence, initial_state=self.last if initial_state is None else initial_state, **more)
        self.last = [result[1]]
        return result


class MyKerasGRUThatResetsFirst(keras.layers.GRU):  # type: ignore[misc]
    def __init__(self, units: int, **more: Any) -> None:
        super().__init__(units, **{**more, "reset_after": False})


class MyKerasCell(keras.layers.GRUCell): ...  # type: ignore[misc]


class MyKerasNothing(keras.layers.Layer):  # type: ignore[misc]
    """Not a recurrent layer."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
