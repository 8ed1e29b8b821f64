"""The commands of the project, one file each: its options and its work.

What they share: `program`, how a command begins and ends; `signals`, what may end it before;
`options`, those that several commands have; `console`, what is printed. Those that train share
`training`; those that train again and again `grid`, `trainer` and `workers`; `run` and `resume` are
about the files that a training leaves and goes on from.

To add a command, add a file with a COMMAND, and name it in the list in `__main__`.
"""
