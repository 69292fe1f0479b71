"""Recorded outputs: what was paid for once is handed over again, without a call.

keys.py      by what a recorded output is found: prompt, inputs, model config, predict
line.py      a record as one line of text that carries a digest of itself
store.py     the file: an index of where each record lies, appended to by any number of processes
command.py   ``python -m pytest_promptreg replay``
"""
