"""The register: one controller, described so that a program can act on it."""
