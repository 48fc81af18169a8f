"""The pytest plugin. pytest loads ``hooks``; everything else is imported when a test requests a golden.

What users see is in four modules:

- ``options``: command-line options with their ini twins; ``settings`` checks them.
- ``marker``: ``@pytest.mark.rnn_goldens``, which selects goldens and parametrizes tests.
- ``fixture``: ``rnn_golden``, which records what a test checks; ``implementation`` is ``rnn_implementation``.
- ``report``: the file that ``--rnn-goldens-report`` writes.

Behind them: ``check_log`` records the comparisons of one test, ``report_hooks`` derives its outcome, ``run_results``
collects the outcomes of a run, and ``session_finish`` turns them into an exit code and a summary. ``guard`` calls an
implementation, ``process_state`` restores what a test changed. ``builtin_check`` runs ``rnn-goldens check``.
"""
