"""Suites without Python: ``promptreg_*.yaml``, read, collected by pytest, and described for editors."""
