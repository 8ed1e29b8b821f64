"""The commands, one module each, with its options and its work function.

They share `cli` (parsing, signals, exit status), `options` and `console`. To add a command, add a
module with a COMMAND, and list it in COMMANDS in `d2l_softmax/__main__.py`.
"""
