"""Recorded outputs: what was paid for once is handed over again, without a call.

    keys.py        by what a recorded output is found: prompt, inputs, model config, predict
    line.py        a record as one line of text that carries a digest of itself
    store.py       the file: an index of where each record lies, appended to by any number of processes
    replaying.py   which cases of a run have a recorded output, and what is recorded
    ending.py      the end of a run: where outputs are recorded, and what of them can go
    on_need.py     the fixture of predict, set up by the first test that needs a call
    command.py     ``python -m pytest_promptreg replay``

A run without replay imports this file alone.
"""

MODES = ("off", "reuse", "only")  # the first is the default
FILE = "replay.jsonl"
