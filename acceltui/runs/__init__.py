"""The run folder: everything that happened in a run, and the way to talk to its engine."""
