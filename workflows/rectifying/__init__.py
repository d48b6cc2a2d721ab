"""Rectification: `saying` writes down what is wrong, `deciding` says what happens to each, `work` carries it out."""
