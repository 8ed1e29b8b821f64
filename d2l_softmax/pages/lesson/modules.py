"""ES modules as one script: a page from the disk may not load others."""

import posixpath
import re
from collections.abc import Callable

IMPORT = re.compile(r'^import (?:\* as (\w+)|(\{[^}]*\})) from "(.*?)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def joined(entry: str, read: Callable[[str], str]) -> str:
    """Return a module and all that it imports as one script: each in a function of its own.

    `read` returns the text of a module by its path. Modules may import names or all, and export
    functions, classes and constants.
    """
    done: dict[str, str] = {}

    def add(path: str) -> str:
        """Add a module after those that it imports; return the name of what it exports."""
        name = re.sub(r"\W", "_", path.removesuffix(".js"))
        if path not in done:
            done[path] = ""  # modules may not import each other
            done[path] = wrapped(path, name, read(path), add)
            done[path] = done.pop(path)  # to the end
        return f"_{name}"

    add(entry)
    return "\n".join(done.values())


def wrapped(path: str, name: str, text: str, add: Callable[[str], str]) -> str:
    """Return a module as a constant that has what it exports."""
    folder = posixpath.dirname(path)

    def imported(match: re.Match) -> str:
        everything, names, address = match.groups()
        module = add(posixpath.normpath(posixpath.join(folder, address)))
        names = everything or names.replace(" as ", ": ")
        return f"const {names} = {module};\n"

    exported = EXPORT.findall(text)
    body = EXPORT.sub("", IMPORT.sub(imported, text))
    return (
        f"// {path}\nconst _{name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"
    )
