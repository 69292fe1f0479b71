"""An application that is polite."""

import pytest


@pytest.fixture(scope="session")
def promptreg_predict():
    return lambda request: f"Please: {request.inputs['text']}"
