"""From outputs to verdicts: gates, scores, the best match, and what is said under noise."""
