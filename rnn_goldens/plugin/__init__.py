"""The pytest plugin. pytest loads ``hooks``; everything else is imported when a test requests a golden.

Four modules define what a project's tests can use:

- ``options``: command-line options, which can also be set in the ini file; ``settings`` checks them.
- ``marker``: ``@pytest.mark.rnn_goldens``, which selects goldens and parametrizes tests.
- ``fixture``: the fixture ``rnn_golden``, which records what a test checks; ``implementation`` has the fixture
  ``rnn_implementation``.
- ``report``: the file that ``--rnn-goldens-report`` writes.

The others are internal: ``check_log`` records the comparisons of one test, ``report_hooks`` derives its outcome,
``run_results`` collects the outcomes of a run, and ``session_finish`` turns them into an exit code and a summary.
``guard`` calls an implementation, and ``process_state`` restores what a test changed. ``builtin_check`` runs
``rnn-goldens check``.
"""
