"""Epochs, and how good a model became. Imports nothing else of this project."""
