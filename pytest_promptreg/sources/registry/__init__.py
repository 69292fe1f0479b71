"""Prompt versions from the MLflow prompt registry, and the copies of them that a run without it falls back on.

    addresses.py   what a ``prompts:/`` text names, and how a prompt is called in the registry
    settings.py    where prompts are registered, and how long a copy of them is good
    loading.py     the versions that an address names: from this process, from a copy, or asked for
    copies.py      what was fetched, on disk
    asking.py      asks the registry, and says what is not there
    stored.py      the registry's own objects: listed, and read as ours

mlflow is imported only where no copy will do, in a thread with a deadline. Only calls that take their store from the
client are made: MLflow's own ``load_prompt`` ties the prompt to the experiment that is active in the process.
"""
