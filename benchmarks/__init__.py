"""Measurements behind the numbers in the documents; `make bench` runs them all.

A peer, something to time, is a generator function in peers.py: it prepares and yields, then works
before each further yield. To add one, write it and name it in one of the dictionaries there, such
as EPOCHS; rounds.py runs it in a process of its own.

A measure is an entry of MEASURES in __main__.py: a function that measures and, from tables.py, one
that makes a table of the results. To add one, write both, name them there, mark where README.md has
the table with `<!-- name -->` and `<!-- /name -->`, and make a full run.
"""
