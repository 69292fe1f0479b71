import warnings

warnings.simplefilter("ignore")  # the filter of this project's own tests, errors, is in force in LiteLLM's threads too
fixture("monkeypatch").setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
import litellm  # here, where it stays: each run under test would import it anew

fixture("shop")
