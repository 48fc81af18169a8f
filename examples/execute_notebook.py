"""Execute the notebook from top to bottom and store the outputs of its cells.

python examples/execute_notebook.py [FILE]

Without FILE the outputs in ``notebook.ipynb`` itself are replaced. Needs nbclient and ipykernel.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent / "notebook.ipynb"


def main() -> None:
    target = Path(sys.argv[1]) if sys.argv[1:] else NOTEBOOK
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    about = notebook.metadata.copy()
    NotebookClient(notebook, timeout=120, record_timing=False).execute()
    notebook.metadata = about  # without the Python version that executed it
    nbformat.write(notebook, target)


if __name__ == "__main__":
    main()
