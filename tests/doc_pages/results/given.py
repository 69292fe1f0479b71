suite()
pytest("--promptreg-update")
pytest("--promptreg-results=run.json")
