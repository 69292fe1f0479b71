import langchain.agents  # here, where it stays: each run under test would import it anew
import langchain_openai  # here, where it stays: each run under test would import it anew

fixture("shop")
