"""Write the tables of all measurements into the documents."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from types import ModuleType

from benchmarks import accuracy, agreement, busy, command
from benchmarks.peers import BOOK, LOADER, TWINS
from benchmarks.shared import ratio, seconds_of
from benchmarks.timings import Timing, epoch, loading
from d2l_softmax.figures.style import save_figure
from d2l_softmax.i18n import chinese
from d2l_softmax.io import write_json, write_text
from d2l_softmax.training.evaluation import standard_error

FOLDER = Path(__file__).parent
MEASURES: dict[str, ModuleType | Timing] = {
    "loading": loading,
    "epoch": epoch,
    "busy": busy,
    "command": command,
    "accuracy": accuracy,
    "agreement": agreement,
}
# Goals on one thread: the measurement, two peers, and the largest ratio of their times.
GOALS = (
    ("epoch", "scratch", "lean PyTorch, by hand", 1.10),
    ("epoch", "concise", "lean PyTorch, `nn`", 1.12),
    ("epoch", "scratch", "NumPy by hand", 1.25),
    ("loading", LOADER, "lean PyTorch, take and divide", 1.08),
)
TEST_IMAGES = 10_000  # of Fashion-MNIST
DOCUMENTS = {
    "README.md": "en",
    "README.zh-CN.md": "zh",
    "docs/benchmarks.md": "en",
    "docs/zh/benchmarks.md": "zh",
    "docs/agreement.md": "en",
    "docs/zh/agreement.md": "zh",
    "benchmarks/README.md": "en",
}


def read_results() -> dict:
    """Return the stored results of all measurements, by name."""
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def write(results: dict) -> None:
    """Write results.json, busy.png, and the tables in DOCUMENTS."""
    write_json(FOLDER / "results.json", results)
    save_figure(FOLDER / "busy.png", busy.draw(results["busy"]))
    for name, language in DOCUMENTS.items():
        document = FOLDER.parent / name
        write_text(document, fill(document.read_text(encoding="utf-8"), results, language))
    print(f"wrote results.json and busy.png to {FOLDER.name}/, tables to {', '.join(DOCUMENTS)}")


def fill(text: str, results: dict, language: str) -> str:
    """Replace the sections between `<!-- name -->` and `<!-- /name -->` in a text.

    `language` is "en" or "zh". Raises ValueError if an end mark is missing, and KeyError if there
    is no section of the name.
    """
    sections = sections_of(results)
    for name in re.findall(r"^<!-- (\w+) -->$", text, re.MULTILINE):
        section = sections[name] if language == "en" else in_chinese(sections[name])
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        text = f"{text[: text.index(start)]}{start}\n\n{section}\n\n{text[text.index(end) :]}"
    return text


def in_chinese(text: str) -> str:
    """Translate all phrases of the catalogue in a text to Chinese, longer phrases first.

    Other text, and code between backticks, stays unchanged.
    """
    patterns = ["`[^`]*`"]
    for phrase in sorted(chinese(), key=len):
        is_word = phrase[0].isalnum()
        patterns.insert(0, rf"(?<!\w){re.escape(phrase)}(?!\w)" if is_word else re.escape(phrase))
    pattern = "|".join(patterns)
    return re.sub(pattern, lambda match: chinese().get(match[0], match[0]), text)


def sections_of(results: dict) -> dict[str, str]:
    """Return the sections of the documents in Markdown, by name."""
    return {
        **{name: markdown(measure.table(results[name])) for name, measure in MEASURES.items()},
        "results": markdown(summary(results)),
        "goals": markdown(goals(results)),
        "machines": machines(results["machines"]),
    }


def machines(described: dict[str, dict]) -> str:
    """Return a paragraph for each machine and its versions: which tables it measured, and when."""
    tables: dict[str, list[str]] = {}
    for name, machine in described.items():
        versions = ", ".join(
            f"{library} {number}" for library, number in machine["versions"].items()
        )
        where = f"{machine['system']}, {machine['processor']}, {machine['cores']} cores; {versions}"
        when = f"`{name}` ({machine['date']}, commit {machine['commit']})"
        tables.setdefault(where, []).append(when)
    return "\n\n".join(f"{where}: {', '.join(whens)}." for where, whens in tables.items())


def summary(results: dict) -> Iterator[tuple]:
    """Yield the table of the READMEs: medians of accuracy, seconds, speed-up and memory."""
    recipes = "book", "best"
    names = f"`--recipe {recipes[0]}` / `{recipes[1]}`"
    accuracies, times, faster, memory = [], [], [], []
    book = median(seconds_of(results["epoch"], BOOK))
    for twin in TWINS:
        medians = [
            median(each["test_acc"])
            for recipe in recipes
            for each in results["accuracy"]
            if (each["twin"], each["recipe"]) == (twin, recipe)
        ]
        cells = (f"{share:.4f} ± {standard_error(share, TEST_IMAGES):.4f}" for share in medians)
        accuracies.append(" / ".join(cells))
        seconds = median(seconds_of(results["epoch"], twin, threads=1))
        times.append(f"{seconds:.3f} s")
        faster.append(f"{book / seconds:.1f}")
        memory.append(f"{results['command'][f'`python -m {twin}`']['megabytes']:,.0f} MB")
    yield "median", *TWINS
    yield f"test accuracy ± standard error, {names}", *accuracies
    yield "an epoch, training and evaluation, 1 thread", *times
    yield f"times faster than {BOOK}", *faster
    yield "ten epochs with figures, imports included: peak memory", *memory


def goals(results: dict) -> Iterator[tuple]:
    """Yield a table of the goals, with the ratios that were measured."""
    yield "ratio of times on one thread", "goal", "measured"
    for measure, one, other, most in GOALS:
        seconds = [seconds_of(results[measure], name, threads=1) for name in (one, other)]
        measured = ratio(*seconds) if all(seconds) else "not yet"
        yield f"{measure}: {one} to {other}", f"≤ {most:g}", measured


def markdown(table: Iterable[tuple]) -> str:
    """Format a table in Markdown: the first column left-aligned, all others right-aligned."""
    from tabulate import tabulate  # here, so that tests of other functions work without it

    head, *rows = table
    sides = ("left", *["right"] * (len(head) - 1))
    return tabulate(rows, head, tablefmt="pipe", colalign=sides, disable_numparse=True)
