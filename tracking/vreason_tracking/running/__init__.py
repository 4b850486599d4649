"""From settings to finished runs: what is to be done, the work itself, and its results."""
