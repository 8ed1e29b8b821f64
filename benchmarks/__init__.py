"""Measurements of the numbers in the documents; `make bench` runs them.

Each measurement is a module; `loading` and `epoch` are both in timings.py. Its function `measure`
returns results, and its function `table` yields the rows of a table, the head first:

    loading       one epoch of data loading
    epoch         one epoch of training, with an evaluation
    busy          the same under CPU contention
    command       whole commands: seconds and peak memory
    accuracy      losses and accuracies of both recipes
    agreement     the same training in other frameworks

The implementations that are compared (peers) are in peers.py and book.py. shared.py measures times.
documents.py writes the tables into README.md in this folder, both READMEs of the project, and
files in docs/.

To add a peer, write a generator function in peers.py and add it there to PASSES or EPOCHS. To add
a measurement, write its module and add it to MEASURES in documents.py. Then mark the place of its
table in README.md with `<!-- name -->` and `<!-- /name -->`.
"""
