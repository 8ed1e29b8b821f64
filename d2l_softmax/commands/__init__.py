"""The commands, one file each: options and work.

They share `cli` (how a command starts and ends), `options` and `console`. To add a command, add a
file with a COMMAND, and its name to the list in `d2l_softmax/__main__.py`.
"""
