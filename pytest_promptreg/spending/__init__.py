"""What calls cost and may cost: known before the first, counted over all processes."""
