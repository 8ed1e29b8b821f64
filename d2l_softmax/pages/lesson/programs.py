"""The programs of the page side by side: which line does what, in each of them."""

import textwrap
from typing import NamedTuple

from d2l_softmax.pages.twins import colored, rows_of

# The end of the notes, section 9: TensorFlow 1, with one-hot labels.
TENSORFLOW = """\
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))
train_step = tf.train.AdamOptimizer(1e-4).minimize(loss)
correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
"""

# What is computed, and the lines that do it in scratch, concise and TensorFlow, by what they begin
# with.
STEPS = {
    "stable": (["exponentials = torch.exp"], ["return nn.functional.softmax"], []),
    "softmax": (
        ["return exponentials", "return softmax(XW", "return self(X)"],
        ["return nn.functional.softmax", "return softmax(self(X))"],
        ["loss = tf"],
    ),
    "partition": (["return exponentials"], ["return nn.functional.softmax"], []),
    "one_hot": (
        ["def one_hot", "return torch.zeros_like"],
        ["# one_hot() is inside"],
        ["loss = tf"],
    ),
    "start": (
        ["W = torch.normal", "0.0, 0.01, (num", "self.W = W.T", "self.b = torch.zeros"],
        ["linear = nn.utils", "nn.init.normal_", "nn.init.zeros_", "self.net ="],
        [],
    ),
    "logits": (["XW = (self.W.T", "return softmax(XW"], ["return self.net(X)"], []),
    "gradient": (
        [
            *("# loss:", "# chain rule:", "# result:", "error = (y_hat", "dW = (error"),
            *("return [dW", "gradients = model.gradients"),
        ],
        ["# gradients() is loss", "loss.backward()"],
        ["train_step ="],
    ),
    "floor": (["tiny = torch.finfo"], [], []),
    "soft": (["losses = -(y * torch.log"], ["return LOSSES"], []),
    "picked": (
        ["rows = torch.arange", "losses = -torch.log(y_hat[rows"],
        ["return LOSSES"],
        ["loss = tf"],
    ),
    "mean": (["return losses.mean()"], ["return LOSSES"], ["loss = tf"]),
    "loss": (["loss = cross_entropy(y_hat"], ["loss = cross_entropy(logits"], ["loss = tf"]),
    "zero": (["# nothing to reset"], ["optimizer.zero_grad()"], []),
    "step": (["optimizer.step(gradients)"], ["optimizer.step()"], ["train_step ="]),
    "accuracy": (["metric.add("], ["metric.add("], ["correct =", "accuracy ="]),
    "epoch": (["return metric[0]"], ["return metric[0]"], []),
    "forward": (["y_hat = model(X)"], ["logits = model(X)"], []),
}


class Line(NamedTuple):
    """A line as the page shows it; `row` is the one in which `diff -y` shows it."""

    number: int
    html: str
    indent: int
    row: int
    step: str


def columns(scratch: str, concise: str, tensorflow: str) -> dict[str, list[Line]]:
    """Return the lines of each program, with what they compute (names of STEPS)."""
    rows = rows_of(scratch.splitlines(), concise.splitlines())
    places = [
        {number: place for place, row in enumerate(rows) if (number := row[side])}
        for side in (0, 1)
    ]
    found = {}
    programs = {"scratch": scratch, "concise": concise, "tensorflow": tensorflow}
    for side, (name, code) in enumerate(programs.items()):
        steps = steps_by_line(code, side)
        html = colored(code)
        found[name] = [
            Line(
                number,
                html[number - 1],
                len(line) - len(line.lstrip()),
                places[side][number] if side < 2 else -number,
                " ".join(steps.get(number, [])),
            )
            for number, line in enumerate(code.splitlines(), start=1)
        ]
    return found


def steps_by_line(code: str, side: int) -> dict[int, list[str]]:
    """Return which steps a program's lines do, by their numbers."""
    found: dict[int, list[str]] = {}
    for step, sides in STEPS.items():
        for beginning in sides[side]:
            found.setdefault(number_of(beginning, code), []).append(step)
    return found


def number_of(beginning: str, code: str) -> int:
    """Return the number of the one line of code that begins so, less its indent.

    Raises ValueError if there is none, or if there are several.
    """
    lines = enumerate(code.splitlines(), start=1)
    found = [number for number, line in lines if line.lstrip().startswith(beginning)]
    if len(found) != 1:
        raise ValueError(f"{beginning!r} begins {len(found)} lines of the code, expected 1")
    return found[0]


def snippet(code: str, first: str, last: str) -> str:
    """Return some lines of code as HTML, from the one to the other, without their indent."""
    lines = code.splitlines()[number_of(first, code) - 1 : number_of(last, code)]
    return "\n".join(colored(textwrap.dedent("\n".join(lines)))).rstrip()
