"""The pytest plugin. ``hooks`` is what pytest loads; the rest is imported when a test asks for a golden.

What users see stands in four modules:

- ``options``: command-line options with their ini twins; ``settings`` checks them.
- ``marker``: ``@pytest.mark.rnn_goldens``, which selects goldens and parametrizes tests.
- ``fixture``: ``rnn_golden``, which counts what a test checks; ``implementation`` is ``rnn_implementation``.
- ``report``: the file that ``--rnn-goldens-report`` writes.

Behind them: ``check_log`` is what one test checked, ``report_hooks`` what became of it, ``run_results`` all of a run,
``session_finish`` its exit code and summary. ``guard`` calls an implementation, ``process_state`` restores what a test
changed. ``builtin_check`` is the run behind ``rnn-goldens check``.
"""
