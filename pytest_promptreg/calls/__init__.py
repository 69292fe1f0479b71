"""Calls of predict: ahead of the tests that wait for them, so many at a time, tried again where that is worth it.

call      what is called, and what becomes of it
runner    which call starts when, and how it ends
ahead     the calls made ahead of the tests, no further than a window
hold      when nothing may start, for the rate or because a server asked
threads   where synchronous calls run
loop      where asynchronous calls run
aside     where what may block is done for asynchronous calls
futures   where calls run when the user gives an executor
retrying  which failures are worth another try, and after what wait
rate      so many calls in a minute
limit     how many at once: less when a server says that it is too much
alarm     wakes the runner when a wait is over
tally     what was retried and waited for, in numbers
words     what a call prints and logs, kept for its own test
"""

from .call import Answer, Caller, Predict, Progress, is_async
from .runner import Runner, Terms
from .tally import Tally

__all__ = ["Answer", "Caller", "Predict", "Progress", "Runner", "Tally", "Terms", "is_async"]
