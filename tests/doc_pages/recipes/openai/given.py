import openai  # here, where it stays: each run under test would import it anew

fixture("shop")
