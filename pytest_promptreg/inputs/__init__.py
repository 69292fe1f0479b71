"""What people write, as values: prompts, examples, templates and the YAML that they stand in."""
