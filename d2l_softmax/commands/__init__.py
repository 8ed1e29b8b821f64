"""The commands of the project, one file each: its options and its work.

What they share: `program`, how a command begins and ends; `options`, those that several commands
have; `console`, what is printed. To add a command, add a file with a COMMAND, and name it in the
list in `__main__`.
"""
