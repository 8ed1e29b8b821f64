"""Faults made on purpose, thousands of them, and what the commands make of them.

`python -m tests.faults` makes them all and writes docs/reliability.md; the tests make a tenth.
"""
