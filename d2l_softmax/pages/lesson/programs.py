"""The programs that the lesson shows side by side: matching lines, and steps of the computation."""

import ast
import textwrap
from typing import NamedTuple

from d2l_softmax.pages.twins import colored, named_statements, rows_of

# The end of the notebook, section 9: TensorFlow 1, with one-hot labels.
TENSORFLOW = """\
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
train_step = tf.train.AdamOptimizer(1e-4).minimize(loss)
correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
"""

# For each step of the computation, the definitions and statements of scratch, concise and
# TensorFlow that compute it. The names are those of `locate`.
STEPS: dict[str, tuple[list[str], list[str], list[str]]] = {
    "stable": (["softmax.exponentials"], ["softmax.return"], []),
    "softmax": (
        [
            "softmax.return",
            "SoftmaxRegression.__call__.return",
            "SoftmaxRegression.probabilities.return",
        ],
        ["softmax.return", "SoftmaxRegression.probabilities.return"],
        ["loss"],
    ),
    "partition": (["softmax.return"], ["softmax.return"], []),
    "one_hot": (["one_hot"], ["LOSSES"], ["loss"]),
    "start": (["SoftmaxRegression.__init__"], ["SoftmaxRegression.__init__"], []),
    "logits": (
        ["SoftmaxRegression.__call__.XW", "SoftmaxRegression.__call__.return"],
        ["SoftmaxRegression.forward.return"],
        [],
    ),
    "gradient": (
        ["SoftmaxRegression.gradients", "train_epoch.gradients"],
        ["train_epoch.backward"],
        ["train_step"],
    ),
    "clamp": (["cross_entropy.tiny"], [], []),
    "picked": (
        ["cross_entropy.rows", "cross_entropy.losses"],
        ["cross_entropy.return"],
        ["loss"],
    ),
    "soft": (["cross_entropy.losses 2"], ["cross_entropy.return"], []),
    "mean": (["cross_entropy.return 2"], ["cross_entropy.return"], ["loss"]),
    "loss": (["train_epoch.loss"], ["train_epoch.loss"], ["loss"]),
    "zero": ([], ["train_epoch.zero_grad"], []),
    "step": (["train_epoch.step"], ["train_epoch.step"], ["train_step"]),
    "accuracy": (["train_epoch.add"], ["train_epoch.add"], ["correct", "accuracy"]),
    "epoch": (["train_epoch.return"], ["train_epoch.return"], []),
    "forward": (["train_epoch.y_hat"], ["train_epoch.logits"], []),
}


class ProgramLine(NamedTuple):
    """A line of a program; `row` is its row in `diff -y`, `steps` are names in STEPS."""

    number: int
    html: str
    indent: int
    row: int
    steps: str


def columns(scratch: str, concise: str, tensorflow: str) -> dict[str, list[ProgramLine]]:
    """Return the lines of each program, with their rows and steps, by the program's name."""
    rows = rows_of(scratch.splitlines(), concise.splitlines())
    programs = {"scratch": scratch, "concise": concise, "tensorflow": tensorflow}
    result = {}
    for side, (name, code) in enumerate(programs.items()):
        row_of = {numbers[side]: row for row, numbers in enumerate(rows)} if side < 2 else {}
        steps = steps_by_line(code, side)
        html = colored(code)
        result[name] = [
            ProgramLine(
                number,
                html[number - 1],
                len(line) - len(line.lstrip()),
                row_of.get(number, -number),  # TensorFlow's lines have no row in `diff -y`
                " ".join(steps.get(number, [])),
            )
            for number, line in enumerate(code.splitlines(), start=1)
        ]
    return result


def steps_by_line(code: str, side: int) -> dict[int, list[str]]:
    """Return the steps of each line; `side` is the index of the program in STEPS' values."""
    places = locate(code)
    steps: dict[int, list[str]] = {}
    for step, names in STEPS.items():
        for number in (number for name in names[side] for number in places[name]):
            steps.setdefault(number, []).append(step)
    return steps


def locate(code: str) -> dict[str, range]:
    """Return the line numbers of each definition and statement, by qualified name.

    Examples: "softmax" for a definition, "softmax.exponentials" for an assignment,
    "softmax.return" for a return, "train_epoch.step" for a call. Where a name occurs again, " 2" is
    appended.
    """
    places: dict[str, range] = {}
    for name, node in named_statements(ast.parse(code).body):
        count = sum(place.partition(" ")[0] == name for place in places)
        key = f"{name} {count + 1}" if count else name
        places[key] = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return places


def snippet(code: str, lines: range) -> str:
    """Return lines of code as HTML, without their common indentation."""
    text = textwrap.dedent("\n".join(code.splitlines()[lines.start - 1 : lines.stop - 1]))
    return "\n".join(colored(text)).rstrip()
