"""Fault injection: thousands of faults, one file for each kind.

`python -m tests.faults` injects all of them and writes docs/reliability.md; a test injects a tenth.
Each kind's file has `faults(folder, data_dir)`, which yields a Fault for each: its kind, what it
is, and a function that injects it and returns what was mishandled, "" if nothing.
"""
