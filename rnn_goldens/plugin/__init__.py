"""The pytest plugin. pytest loads ``hooks`` and ``options``; other modules are imported when they are used.

Four modules define what a project's tests can use:

- ``options``: command-line options, which can also be set in the ini file; ``settings`` checks them.
- ``marker``: ``@pytest.mark.rnn_goldens``, which selects goldens and parametrizes tests.
- ``fixture``: the fixture ``rnn_golden``, which records what a test checks; ``implementation`` has the fixture
  ``rnn_implementation``.
- ``report``: the file that ``--rnn-goldens-report`` writes.

Internal modules, among others: ``check_log`` records the comparisons of a test, ``report_hooks`` derives the outcome,
``run_results`` collects the outcomes of a run, ``session_finish`` turns them into an exit code, and ``terminal``
prints them. ``guard`` calls an implementation, and ``process_state`` restores what a test changed. ``builtin_check``
runs ``rnn-goldens check``.
"""
