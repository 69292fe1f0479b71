"""A promptfoo configuration -> a suite file, prompt files and examples, for what both have a meaning for.

parts.py        configuration and the files that it names, each part with the line that it stands on
leftovers.py    what is left out, and what means something else here, each with its place and the reason
prompts.py      prompts -> prompt files
providers.py    providers -> predict and model config
assertions.py   assertions -> a row's reference and gates
tests.py        tests, and files of them -> rows
writing.py      the texts of the files
command.py      ``python -m pytest_promptreg import-promptfoo``
"""
