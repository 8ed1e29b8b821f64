"""The commands of the project, one file each: its options and its work.

What they share: `program`, how a command begins and ends; `signals`, what may end it before;
`options`, those that several commands have; `console`, what is printed. Those that train share
`train`; those that run many trainings `experiments`.

To add a command, add a file with a COMMAND, and name it in the list in `__main__`.
"""
