"""Bundle ES modules into one script, because a page opened from disk can't import files."""

import posixpath
import re
from collections.abc import Callable

IMPORT = re.compile(r'^import (?:\* as (\w+)|(\{[^}]*\})) from "(.*?)";\n', re.MULTILINE)
COMMENT = re.compile(r"^ *(?://[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """Return a module and its imports as one script, each in a function scope.

    `read` returns the text of a module by its path. Modules may import names or `* as name`, and
    export functions, classes and constants.
    """
    done: dict[str, str] = {}

    def add(path: str) -> str:
        """Add a module after its imports; return the name of the object with its exports."""
        name = re.sub(r"\W", "_", path.removesuffix(".js"))
        if path not in done:
            done[path] = ""  # import cycles are not supported
            done[path] = wrap(path, name, read(path), add)
            done[path] = done.pop(path)  # after its imports
        return f"_{name}"

    add(entry)
    return "\n".join(done.values())


def wrap(path: str, name: str, text: str, add: Callable[[str], str]) -> str:
    """Return a module as a constant object with its exports, without its lines of comment."""
    folder = posixpath.dirname(path)

    def imported(match: re.Match) -> str:
        everything, names, address = match.groups()
        module = add(posixpath.normpath(posixpath.join(folder, address)))
        names = everything or names.replace(" as ", ": ")
        return f"const {names} = {module};\n"

    exported = EXPORT.findall(text)
    body = EXPORT.sub("", IMPORT.sub(imported, COMMENT.sub("", text)))
    return (
        f"// {path}\nconst _{name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();\n"
    )
