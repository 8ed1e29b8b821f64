"""Fault injection: thousands of faults, one file for each kind.

`python -m tests.faults` injects all of them and writes docs/reliability.md; a test injects a tenth.
Each file has `faults(folder, data_dir)`, which yields Faults. A fault is injected by a function
that returns a complaint: what was mishandled, "" if nothing.
"""
