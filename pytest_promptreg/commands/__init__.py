"""Commands outside a pytest run that work on result files; each module has add_arguments(parser) and run(...)."""
