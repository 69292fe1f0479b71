import warnings

warnings.simplefilter("ignore")  # MLflow's own, about what it infers
fixture("shop")
