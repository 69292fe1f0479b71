"""What people read. Every renderer draws from a RunOutcome and neutralises the text that it did not write itself."""
