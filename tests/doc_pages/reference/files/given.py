suite()
pytest("--promptreg-update")
