"""What can be said of scores that vary by themselves: statistics over arrays, and nothing about pytest or suites.

A sampled model answers the same prompt differently each time. Its stored *generations* (several outputs of the accepted
prompt for one example) show by how much, and the *samples* of a run are judged against that. In the order of use:

- ``evidence``: the scores of one term, example by example, made ready;
- ``ways``: what could have been otherwise, had nothing changed; ``permutation``: how seldom chance does as much;
- ``spread``: how much one example's scores vary by themselves; ``power``: what n examples can show of it;
- ``bounds``, ``student``: how far the truth may lie from the share, the mean that was seen; ``holm``: many questions
  asked at once;
- ``words``, ``judging``: passed, regressed or undecided; ``floors``: the same words for shares; ``looks``: stopping
  early;
- ``ranks``: which examples lie furthest outside the noise.

numpy is imported by most of these modules, so they are imported on first need; not by ``floors`` and what it needs.
"""
