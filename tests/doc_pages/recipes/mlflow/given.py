import warnings

import openai  # here, where it stays: each run under test would import it anew

warnings.simplefilter("ignore")  # MLflow's own, about what it infers
fixture("shop")
