"""pytest's side of a run: collecting, running, concluding, each process in its role."""
