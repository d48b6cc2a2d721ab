"""Restriction and objection: naming what it is about, carrying it out, and lifting it, never by accident."""
