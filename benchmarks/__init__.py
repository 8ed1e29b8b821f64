"""Measurements behind the numbers in the documents; `make bench` makes them all.

One file a measure, each with a function `measure`, which returns results, and a function `table`,
which yields their head and rows:

    loading     one pass over the training data
    epoch       one epoch of training, with an evaluation
    busy        the same while other processes keep the cores busy
    command     whole commands: seconds and peak memory
    accuracy    losses and accuracies of both recipes
    agreement   the same training in other frameworks
    backgrounds   test images made into photographs: how many keep their class
    reading     custom data: a CSV file, a folder of photographs
    photographs   how often predict is right about photographs, which are given as folders

What is measured, and against what, is in peers.py and book.py. shared.py takes the times, and
documents.py writes the tables into README.md beside this file, both READMEs of the project, and
docs/photographs.md.

To add a peer, write a generator function in peers.py and name it there in PASSES or EPOCHS. To add
a measure, write its file, name it in MEASURES in documents.py, and mark where README.md shows its
table with `<!-- name -->` and `<!-- /name -->`.
"""
