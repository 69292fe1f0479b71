suite("evals")
pytest("--promptreg-update")
