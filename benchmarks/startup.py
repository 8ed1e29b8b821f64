"""Where the seconds of `python -m scratch` go, from the start of Python to the last file.

As a command, `python -m benchmarks.startup BEGIN`, it does what that command does, prints the
seconds of each stage as JSON, and counts from BEGIN, when it was started (time.time()).
"""

import importlib
import itertools
import json
import subprocess
import sys
import tempfile
import time

STAGES = (
    "Python, `import torch`",
    "our own modules",
    "data, model",
    "ten epochs",
    "`import matplotlib`",
    "six figures and the report",
)
GIVEN = (STAGES[0], STAGES[3])  # `import torch` and training: what anybody's program would take
GOAL = 1.5  # seconds beside those of `import torch` and of training


def main() -> None:
    """Train as `python -m scratch` does, in its order, and print the seconds of each stage."""
    marks = [float(sys.argv[1])]
    import torch

    marks.append(time.time())
    import scratch
    from d2l_softmax.commands import train

    marks.append(time.time())
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        options = train.parse("scratch", ["--device=cpu", f"--output-dir={folder}"])
        training = train.prepare(scratch, options)
        config = train.describe("scratch", options, training)
        marks.append(time.time())
        list(training.fit())
        marks.append(time.time())
        for module in ("matplotlib.figure", "matplotlib.backends.backend_agg"):
            importlib.import_module(module)
        marks.append(time.time())
        train.write_results(options, training, config)
        marks.append(time.time())
    print(json.dumps([after - before for before, after in itertools.pairwise(marks)]))


def measure_startup(rounds: int) -> dict[str, list[float]]:
    """Return by stage the seconds of each round, after one that does not count."""
    columns = []
    for _ in range(1 + rounds):
        line = [sys.executable, "-m", "benchmarks.startup", str(time.time())]
        columns.append(json.loads(subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout))
    return dict(zip(STAGES, map(list, zip(*columns[1:], strict=True)), strict=True))


def beside(stages: dict[str, list[float]]) -> list[float]:
    """Return for each round the seconds beside those of `import torch` and of the ten epochs."""
    rounds = zip(*(each for name, each in stages.items() if name not in GIVEN), strict=True)
    return [sum(seconds) for seconds in rounds]


if __name__ == "__main__":
    main()
