"""The application under test: a rule-based stand-in for a language model.

There is no language model here. Each of the two entry points reads the *rendered prompt*, finds out what it
asks for, and obeys, with rules and sentence embeddings: deterministic, offline, in a few milliseconds. It
knows nothing of prompt versions, example ids or metrics; all it sees is the text that a real model would be
sent.

- ``app.summarizer.summarize`` answers a text prompt with an extractive summary.
- ``app.triage.triage`` answers a chat prompt with the JSON that the prompt describes.
"""
