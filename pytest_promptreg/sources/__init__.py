"""What a suite uses that is kept elsewhere than in files: registered prompts, models under test. Imports no mlflow."""
