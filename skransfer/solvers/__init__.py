"""Floor 1: algorithms on arrays and kernel operators. No estimators."""
