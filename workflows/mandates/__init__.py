"""Mandates: what staff saw of them, who says that they are real, and how they end."""
