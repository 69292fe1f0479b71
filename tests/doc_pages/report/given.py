suite()
pytest("--promptreg-update")
for shard in ("1/2", "2/2"):
    pytest(f"--promptreg-shard={shard}")
