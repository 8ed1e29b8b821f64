"""Tabs of three browsers: Chromium, and those that Playwright does not drive as they are installed.

Firefox by the protocol that is built into it, WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi),
WebKitGTK by its driver, WebDriver (https://www.w3.org/TR/webdriver2).
"""

import contextlib
import itertools
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from websockets.sync.client import ClientConnection, connect

PATIENCE = 30  # seconds for the start and for each answer
LISTENING = "WebDriver BiDi listening on "
# Keys by the names that Playwright has for them: https://www.w3.org/TR/webdriver2/#keyboard-actions
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Space": " ", "End": "\ue010", "Home": "\ue011"}


class Tab:
    """The only tab of a running browser; its subclasses have the methods without a body."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []

    def open(self, path: Path, width: int = 1300, height: int = 900, anchor: str = "") -> None:
        """Open a file, wide and high as asked for, at an anchor; wait until it is loaded."""
        self.resize(width, height)
        address = path.resolve().as_uri() + (f"#{anchor}" if anchor else "")
        for url in ("about:blank", address):  # an anchor alone does not load it
            self.go_to(url)

    def resize(self, width: int, height: int) -> None:
        """Set the size of the window's content in CSS pixels."""

    def go_to(self, url: str) -> None:
        """Load an address."""

    def heard(self) -> tuple[list[str], list[str]]:
        """Return messages and requests since the last call.

        Messages are the warnings and errors of the console, uncaught exceptions included; requests
        are the addresses that pages asked for, without those of files and of their own data.
        """
        requests = [url for url in self.requests if not url.startswith(("data:", "blob:", "file:"))]
        messages, self.messages, self.requests = self.messages, [], []
        return messages, requests

    def wait_for(self, selector: str) -> None:
        """Wait until an element that the CSS selector matches is there."""
        while not self.evaluate("(it) => document.querySelector(it) !== null", selector):
            time.sleep(0.02)

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """Return the value of a JavaScript expression, as Playwright's pages do.

        A function is called with the argument; a promise is waited for. Values pass as JSON, but
        NaN and infinities are kept. An error if it throws.
        """
        text = self.settle(f"""(async () => {{
            let value = ({expression});
            if (typeof value === "function") value = value({json.dumps(argument)});
            const isLost = (x) => typeof x === "number" && !Number.isFinite(x);
            return JSON.stringify(await value, (_, x) => isLost(x) ? `\u00a7${{x}}\u00a7` : x);
        }})()""")
        return json.loads((text or "null").replace('"\u00a7', "").replace('\u00a7"', ""))

    def settle(self, promise: str) -> str | None:
        """Return the string that a promise is fulfilled with; RuntimeError if it is rejected."""

    def press(self, key: str) -> None:
        """Press and release a key."""
        value = KEYS.get(key, key)
        actions = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        self.perform([{"type": "key", "id": "keyboard", "actions": actions}])

    def perform(self, actions: list[dict[str, Any]]) -> None:
        """Perform input actions, which both protocols describe alike."""


class Chromium(Tab):
    """A page of Playwright's."""

    def __init__(self, page: Page):
        super().__init__()
        self.page = page
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("request", lambda request: self.requests.append(request.url))

    def resize(self, width: int, height: int) -> None:
        self.page.set_viewport_size({"width": width, "height": height})

    def go_to(self, url: str) -> None:
        self.page.goto(url)

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        return self.page.evaluate(expression, argument)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)


@contextlib.contextmanager
def running_firefox(path: str, profile: Path) -> Iterator["Firefox"]:
    """Start a headless Firefox with a new profile in the folder, and end it afterwards."""
    command = [path, "--headless", "--no-remote", "--profile", profile]
    command += ["--remote-debugging-port=0"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, **pipes) as process:
        try:
            address = f"{address_printed_by(process)}/session"
            with connect(address, open_timeout=PATIENCE, max_size=None) as connection:
                yield Firefox(connection)
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


class Firefox(Tab):
    """The tab of a running Firefox."""

    def __init__(self, connection: ClientConnection):
        super().__init__()
        self.connection, self.numbers = connection, itertools.count()
        self.send("session.new", capabilities={})
        # The first tab of a headless window never has the focus, a new one does.
        self.tab = self.send("browsingContext.create", type="tab")["context"]
        events = ["log.entryAdded", "network.beforeRequestSent"]
        self.send("session.subscribe", events=events, contexts=[self.tab])

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; RuntimeError if it fails."""
        number = next(self.numbers)
        self.connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.connection.recv(timeout=PATIENCE))
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
            self.requests.append(params["request"]["url"])
        elif params["level"] in ("warn", "error"):
            self.messages.append(params["text"])

    def heard(self) -> tuple[list[str], list[str]]:
        self.send("session.status")  # events up to now come before its answer
        return super().heard()

    def resize(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self.send("browsingContext.setViewport", context=self.tab, viewport=viewport)

    def go_to(self, url: str) -> None:
        self.send("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def settle(self, promise: str) -> str | None:
        target = {"context": self.tab}
        done = self.send("script.evaluate", expression=promise, target=target, awaitPromise=True)
        if done["type"] == "exception":
            raise RuntimeError(done["exceptionDetails"]["text"])
        return done["result"].get("value")

    def perform(self, actions: list[dict[str, Any]]) -> None:
        self.send("input.performActions", context=self.tab, actions=actions)


@contextlib.contextmanager
def running_webkit(driver: str, folder: Path) -> Iterator["WebKit"]:
    """Start WebKitGTK's small browser by its driver, on a display of its own; end all afterwards.

    The folder is for copies of pages.
    """
    with socket.socket() as free:
        free.bind(("localhost", 0))
        _, port = free.getsockname()
    with running_display() as display:
        command = [driver, f"--port={port}"]
        with subprocess.Popen(command, env=os.environ | {"DISPLAY": display}) as process:
            try:
                wait_for_port(port)
                tab = WebKit(f"http://localhost:{port}/session", folder)
                yield tab
                tab.send("DELETE", "")
            finally:
                process.terminate()


@contextlib.contextmanager
def running_display() -> Iterator[str]:
    """Start an X server without a screen; yield its name."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "2100x1200x24"]
    command += ["-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as process:
        os.close(write)
        try:
            with open(read, encoding="ascii") as file:
                yield f":{file.readline().strip()}"
        finally:
            process.terminate()


def wait_for_port(port: int) -> None:
    """Wait until a port of this machine is listened to; TimeoutError if it never is."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port)):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens to port {port}")


# WebDriver passes no messages and no requests on, so copies of pages begin with this script, before
# the policy that forbids requests.
NOTE = """<script>
  globalThis.noted = { messages: [], requests: [] };
  addEventListener("error", ({ message, target }) => {
    if (message) noted.messages.push(message);
    else noted.requests.push(target.src ?? target.href);
  }, true);
  addEventListener("unhandledrejection", ({ reason }) => noted.messages.push(String(reason)));
  addEventListener("securitypolicyviolation", ({ blockedURI, violatedDirective }) => {
    noted.messages.push(`${violatedDirective} forbids ${blockedURI}`);
  });
  for (const level of ["warn", "error"])
    console[level] = (...all) => noted.messages.push(all.join(" "));
</script>"""
NOTED = """() => {
  const { messages = [], requests = [] } = globalThis.noted ?? {};
  globalThis.noted = { messages: [], requests: [] };
  requests.push(...performance.getEntriesByType("resource").map(({ name }) => name));
  performance.clearResourceTimings();
  return [messages, requests];
}"""


class WebKit(Tab):
    """The tab of a running WebKitGTK browser."""

    def __init__(self, address: str, folder: Path):
        """Begin a session at a driver's address. In full screen windows have any size."""
        super().__init__()
        self.address, self.folder = address, folder
        options = {"webkitgtk:browserOptions": {"args": ["--automation", "--full-screen"]}}
        session = self.send("POST", "", capabilities={"alwaysMatch": options})
        self.address += f"/{session['sessionId']}"
        self.send("POST", "/timeouts", script=1000 * PATIENCE)

    def send(self, method: str, path: str, **params: Any) -> Any:
        """Send a command and return its result; RuntimeError if it fails."""
        request = urllib.request.Request(self.address + path, method=method)
        if method == "POST":
            request.data = json.dumps(params).encode()
        try:
            with urllib.request.urlopen(request, timeout=2 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            answer = json.load(error)["value"]
            raise RuntimeError(f"{path}: {answer['error']}: {answer['message']}") from None

    def heard(self) -> tuple[list[str], list[str]]:
        self.messages, self.requests = self.evaluate(NOTED)
        return super().heard()

    def open(self, path: Path, width: int = 1300, height: int = 900, anchor: str = "") -> None:
        text = path.read_text(encoding="utf-8")
        copy = self.folder / path.name
        copy.write_text(text.replace("<head>", f"<head>{NOTE}", 1), encoding="utf-8")
        super().open(copy, width, height, anchor)

    def resize(self, width: int, height: int) -> None:
        self.send("POST", "/window/rect", width=width, height=height)

    def go_to(self, url: str) -> None:
        self.send("POST", "/url", url=url)

    def settle(self, promise: str) -> str | None:
        return self.send("POST", "/execute/sync", script=f"return {promise};", args=[])

    def perform(self, actions: list[dict[str, Any]]) -> None:
        self.send("POST", "/actions", actions=actions)
