"""Fault injection: thousands of faults, one module for each kind.

`python -m tests.faults` injects all of them and writes docs/reliability.md; a test injects a tenth.
Each module has a function `faults(folder, data_dir)` that yields Faults. `Fault.inject` injects a
fault and returns a complaint: a description of the error in handling it, or "" if there was none.
"""
