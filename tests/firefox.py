"""Firefox, the system's own, driven by the protocol that is built into it: WebDriver BiDi.

https://www.w3.org/TR/webdriver-bidi/. Playwright drives a Firefox of its own build only.
"""

import base64
import contextlib
import itertools
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

LISTENING = "WebDriver BiDi listening on "
PATIENCE = 30  # seconds for the start and for each answer
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}


@contextlib.contextmanager
def running_firefox(path: str, profile: Path) -> Iterator["Firefox"]:
    """Start a headless Firefox with a new profile in the folder, and end it afterwards."""
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    command = [path, "--headless", "--no-remote", "--profile", profile]
    command += ["--remote-debugging-port=0"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, **pipes) as process:
        try:
            address = f"{address_printed_by(process)}/session"
            with connect(address, open_timeout=PATIENCE, max_size=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def address_printed_by(process: subprocess.Popen) -> str:
    """Return the address of the BiDi server, which Firefox prints when it listens."""
    printed = []
    for line in process.stderr:
        if line.startswith(LISTENING):
            return line.removeprefix(LISTENING).strip()
        printed.append(line)
    raise RuntimeError(f"Firefox did not start: {''.join(printed)}")


class Firefox:
    """The only tab of a running Firefox.

    `messages` are the warnings and errors of its console, uncaught exceptions included;
    `requests` are the addresses that its pages asked for, data: and their own left out.
    """

    def __init__(self, socket: ClientConnection):
        """Begin a session over the connection."""
        self.socket, self.numbers = socket, itertools.count()
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        (tab,) = self.send("browsingContext.getTree")["contexts"]
        self.tab = tab["context"]

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; RuntimeError if it fails."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv(timeout=PATIENCE))
            if answer["type"] == "event":
                self.note(answer["method"], answer["params"])
            elif answer["id"] == number:
                break
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def note(self, event: str, params: dict[str, Any]) -> None:
        """Keep a message of the console or a request."""
        if event == "network.beforeRequestSent":
            url = params["request"]["url"]
            self.requests += [] if url.startswith("data:") else [url]
        elif params["level"] in ("warn", "error"):
            self.messages.append(params["text"])

    def open(self, path: Path, width: int = 1300, height: int = 900) -> None:
        """Open a file and wait until it is loaded."""
        viewport = {"width": width, "height": height}
        self.send("browsingContext.setViewport", context=self.tab, viewport=viewport)
        url = path.resolve().as_uri()
        self.send("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def wait_for(self, selector: str) -> None:
        """Wait until an element that the CSS selector matches is there."""
        self.evaluate(
            "(selector) => new Promise((resolve) => { const look = () => "
            "document.querySelector(selector) ? resolve() : setTimeout(look, 20); look(); })",
            selector,
        )

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """Return the value of a JavaScript expression, as Playwright's pages do.

        A function is called with the argument; a promise is waited for. Values pass as JSON, but
        NaN and infinities are kept.
        """
        code = f"""(async () => {{
            let value = ({expression});
            if (typeof value === "function") value = value({json.dumps(argument)});
            const isLost = (x) => typeof x === "number" && !Number.isFinite(x);
            return JSON.stringify(await value, (_, x) => isLost(x) ? `\u00a7${{x}}\u00a7` : x);
        }})()"""
        target = {"context": self.tab}
        done = self.send("script.evaluate", expression=code, target=target, awaitPromise=True)
        if done["type"] == "exception":
            raise RuntimeError(done["exceptionDetails"]["text"])
        text = done["result"].get("value", "null")
        return json.loads(text.replace('"\u00a7', "").replace('\u00a7"', ""))

    def screenshot(self, path: Path) -> None:
        """Write a picture of what the tab shows (PNG)."""
        taken = self.send("browsingContext.captureScreenshot", context=self.tab)
        path.write_bytes(base64.b64decode(taken["data"]))
