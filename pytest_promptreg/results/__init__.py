"""What a run found, as values and as files: left, read again, merged and compared."""
