"""Narrow reads for screens, the API and the command line. Everything that writes goes through a stage."""
