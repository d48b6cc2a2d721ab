"""The console: where members of staff see what is due, look at cases and decide."""
