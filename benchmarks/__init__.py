"""Measurements behind the numbers in the documents; `make bench` runs them."""
