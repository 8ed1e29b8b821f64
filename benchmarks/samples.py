"""What the commands print, for the documents: `python -m scratch` and a comparison in float64."""

import subprocess
import sys
import tempfile

from d2l_softmax.data.sources import default_data_dir

COMMANDS = {
    "sample": ("scratch", "--device=cpu"),
    "comparison": ("d2l_softmax", "compare", "--device=cpu", "--dtype=float64"),
}
YOURS = "/home/you/.cache/d2l_softmax"


def measure_samples() -> dict[str, list[str]]:
    """Return the lines that each command prints, with paths that could be anybody's."""
    lines = {}
    for name, command in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            line = [sys.executable, "-m", *command, f"--output-dir={folder}"]
            printed = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout
        printed = printed.replace(str(default_data_dir()), YOURS)
        lines[name] = printed.replace(folder, f"runs/{command[0]}").splitlines()
    return lines


def as_blocks(samples: dict[str, list[str]]) -> dict[str, str]:
    """Return blocks of Markdown: all of the sample, and of the comparison its two ends."""
    _, head, first, second, *_, last, disagreements, _ = samples["comparison"]
    short = [head, first, second, "    …", last, disagreements]
    return {
        name: "\n".join(["```", *lines, "```"])
        for name, lines in {**samples, "comparison": short}.items()
    }
