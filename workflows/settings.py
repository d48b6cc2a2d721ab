"""Settings: read once from the environment into a frozen object, each value with its origin."""
