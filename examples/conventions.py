"""Prints the same weights in every convention that can represent them; docs/conventions.md shows the output.

python examples/conventions.py
"""

import rnn_goldens
from rnn_goldens import Unsupported
from rnn_goldens.conventions import CONVENTIONS

SHOWN = ("rnn-tanh/one-unit", "lstm/one-unit", "gru/one-unit")


def main() -> None:
    for golden_id in SHOWN:
        golden = rnn_goldens.load(golden_id, dtype="float64")
        sizes = f"{golden.network.input_size} inputs, {golden.network.hidden_size} unit"
        print(f"{golden.cell}: {golden.id}, {sizes}")
        for convention in CONVENTIONS:
            print(f"  {convention}")
            try:
                weights = golden.weights_as(convention)
            except Unsupported as reason:
                print(f"    {reason}")
                continue
            for name, array in weights.items():
                print(f"    {name:<20}{array.shape!s:<11}{array.tolist()}")


if __name__ == "__main__":
    main()
