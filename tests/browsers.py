"""What tests of pages need: three browsers and a Chinese font. `make browser` installs them.

`python -m tests.browsers` installs what is missing: Playwright's own Chromium where that can be
downloaded, else the system's packages, as root or with sudo.
"""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from d2l_softmax.figures.style import chinese_font

# the shell, which has no windows, opens a page in half the time
CHROMIUM = ("chromium-headless-shell", "google-chrome", "chromium", "chromium-browser")
FIREFOX = (
    "firefox-esr",
    "firefox",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
    r"C:\Program Files\Mozilla Firefox\firefox.exe",
)


@functools.cache
def find_chromium() -> str | None:
    """Return the path of the system's Chromium or Chrome, else of Playwright's own, or None."""
    from playwright.sync_api import sync_playwright

    if installed := first_usable(CHROMIUM):
        return installed
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


@functools.cache
def find_firefox() -> str | None:
    """Return the path of an installed Firefox, or None."""
    return first_usable(FIREFOX)


@functools.cache
def find_webkit() -> str | None:
    """Return the path of the driver of WebKitGTK, None if it or the display it needs is missing."""
    return shutil.which("WebKitWebDriver") if shutil.which("Xvfb") else None


def first_usable(names: tuple[str, ...]) -> str | None:
    """Return the path of the first program that is installed and no snap, or None.

    A snap does not see /tmp, where tests write their pages and Playwright its profiles. Ubuntu has
    scripts in place of programs, which start the snap.
    """
    for path in filter(None, map(shutil.which, names)):
        with open(path, "rb") as file:
            is_snap = "snap" in Path(path).resolve().parts or b"/snap/" in file.read(4096)
        if not is_snap:
            return path
    return None


# name: how it is found (None if it is not installed), its packages in Debian
NEEDS = {
    "Chromium": (find_chromium, ("chromium-headless-shell",)),
    "Firefox": (find_firefox, ("firefox-esr",)),
    "WebKit": (find_webkit, ("webkit2gtk-driver", "xvfb")),
    "a Chinese font": (chinese_font, ("fonts-noto-cjk",)),
}
if sys.platform != "linux":
    del NEEDS["WebKit"]  # WebKitGTK is for Linux only


def missing() -> list[str]:
    """Return the names of what is not installed."""
    for find, _ in NEEDS.values():
        find.cache_clear()
    return [name for name, (find, _) in NEEDS.items() if not find()]


def packages_of(names: list[str]) -> list[str]:
    """Return the Debian packages of what NEEDS names."""
    return [package for name in names for package in NEEDS[name][1]]


def install_chromium_of_playwright() -> None:
    """Download Playwright's Chromium; remove it if it does not start, as without its libraries."""
    from playwright.sync_api import Error, sync_playwright

    command = [sys.executable, "-m", "playwright"]
    if subprocess.run([*command, "install", "chromium"]).returncode:
        return
    try:
        with sync_playwright() as playwright:
            playwright.chromium.launch().close()
    except Error:
        print("Playwright's Chromium lacks system libraries")
        subprocess.run([*command, "uninstall"], check=True)


def install_packages(packages: list[str]) -> None:
    """Install packages of Debian or Ubuntu, as root or with sudo."""
    if not shutil.which("apt-get"):
        return
    as_root = []
    if os.getuid() != 0:
        as_root = ["sudo"] if sys.stdin.isatty() else ["sudo", "--non-interactive"]
        if not shutil.which("sudo"):
            return
    apt_get = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    subprocess.run([*apt_get, "update"])
    for package in packages:  # one by one: Ubuntu has no firefox-esr
        subprocess.run([*apt_get, "install", "-y", "--no-install-recommends", package])


def main() -> int:
    """Install what is missing; return 1 if something still is."""
    if "Chromium" in missing():
        install_chromium_of_playwright()
    if absent := missing():
        install_packages(packages_of(absent))
    absent = missing()
    for name, (find, _) in NEEDS.items():
        print(f"{name}: {find() or 'not installed'}")
    if absent:
        names, packages = ", ".join(absent), " ".join(packages_of(absent))
        print(f"error: can't install {names}; on Debian, as root: apt-get install {packages}")
    return bool(absent)


if __name__ == "__main__":
    sys.exit(main())
