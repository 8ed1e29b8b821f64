"""Find or fetch the four files of Fashion-MNIST, verify them, and store them.

Sources, in this order: the data directory, a system copy, torchvision's mirrors, Debian's package.
A file from any source is used only if its SHA-256 is the original's.
"""

import gzip
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import zlib
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import platformdirs

from d2l_softmax.errors import UserError
from d2l_softmax.io import PART, OutputError, locked, write_atomically

SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
ENVIRONMENT_VARIABLE = "D2L_SOFTMAX_DATA"
SYSTEM_COPY = Path("/usr/share/datasets/fashion-mnist")
DEBIAN_PACKAGE = "dataset-fashion-mnist"
MAX_BYTES = 100_000_000  # read from a file; the largest of the four has 47 MB
NETWORK_TIMEOUT = 30  # seconds; a firewall that drops packets never answers
DOWNLOAD_ERRORS = (EOFError, HTTPException, zlib.error)  # in addition to OSError


class DataUnavailableError(UserError, RuntimeError):
    """No source has the files; the message gives a reason for each source, and a remedy."""


def default_data_dir() -> Path:
    """Return $D2L_SOFTMAX_DATA if it is set, otherwise a folder in the user's cache directory."""
    if chosen := os.environ.get(ENVIRONMENT_VARIABLE):
        return resolve(chosen)
    return platformdirs.user_cache_path("d2l_softmax", appauthor=False, opinion=False)


def resolve(data_dir: str | os.PathLike | None) -> Path:
    """Expand ~ in `data_dir`, or return the default for None; or raise DataUnavailableError."""
    if data_dir is None:
        return default_data_dir()
    try:
        return Path(data_dir).expanduser()
    except RuntimeError as error:  # ~name of an unknown user
        raise unusable(data_dir, error) from error


def unusable(data_dir: str | os.PathLike, reason: object) -> DataUnavailableError:
    """Return the error for a data directory that can't be used."""
    return DataUnavailableError(
        f"the data directory {data_dir} can't be used: {reason};",
        f"give another with {{data_dir}} or {ENVIRONMENT_VARIABLE}",
    )


def ensure_fashion_mnist(data_dir: str | os.PathLike | None = None) -> Path:
    """Fetch missing files of Fashion-MNIST; return the data directory.

    The files are in `data_dir/FashionMNIST/raw`, as torchvision stores them, so that files
    downloaded by torchvision are used, too. A file with other content is replaced.

    Raises DataUnavailableError if no source has the files or the directory can't be used.
    """
    data_dir = resolve(data_dir)
    read_files(data_dir)
    return data_dir


def read_files(data_dir: str | os.PathLike | None = None) -> list[bytes]:
    """Return the contents of the four files, in the order of SHA256; fetch missing files.

    The returned bytes themselves are verified: no file is read a second time. Errors are those of
    ensure_fashion_mnist.
    """
    data_dir = resolve(data_dir)
    raw = data_dir / "FashionMNIST" / "raw"
    with suppress(OSError, ValueError):
        return [read_verified(raw / name, name) for name in SHA256]
    try:
        raw.mkdir(parents=True, exist_ok=True)
        with locked(raw):  # one process fetches, the others wait
            if missing := find_missing(raw):
                fetch(raw, missing)
        return [read_verified(raw / name, name) for name in SHA256]
    except (OSError, ValueError) as error:
        raise unusable(data_dir, getattr(error, "strerror", None) or error) from error


# Verification


def find_missing(raw: Path) -> list[str]:
    """Return the names of the files that are missing or differ from the original."""
    missing = []
    for name in SHA256:
        try:
            read_verified(raw / name, name)
        except (FileNotFoundError, ValueError):
            missing.append(name)
    return missing


def read_verified(path: Path, name: str) -> bytes:
    """Return a file's content, decompressed if it is .gz, after verifying the SHA-256 of `name`.

    Raises FileNotFoundError if it is not a regular file, ValueError if the SHA-256 differs.
    """
    if not path.is_file():  # reading a pipe would block
        raise FileNotFoundError(f"{path} does not exist")
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        content = file.read(MAX_BYTES)
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name]:
        raise ValueError(
            f"damaged or not Fashion-MNIST's: SHA-256 {digest}, expected {SHA256[name]}"
        )
    return content


# Sources


def fetch(raw: Path, missing: list[str]) -> None:
    """Store each missing file, from the first source that has it; or DataUnavailableError."""
    data_dir = raw.parent.parent
    sources = {
        f"the data directory {data_dir}": from_data_dir,
        f"the system copy {SYSTEM_COPY}": from_system_copy,
        "torchvision's mirrors": from_torchvision,
        f"Debian's package {DEBIAN_PACKAGE}": from_debian,
    }
    failures = []
    for label, source in sources.items():
        try:
            source(raw, missing)
        # any other error is a bug and keeps its traceback
        except (OSError, OutputError, RuntimeError, ValueError, *DOWNLOAD_ERRORS) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            failures.append(f"  {label}: {reason}")
        missing = find_missing(raw)
        if not missing:
            report(f"in {raw}, from {label}")
            return
    raise DataUnavailableError(
        f"Fashion-MNIST was not found and could not be fetched ({', '.join(missing)}):\n"
        + "\n".join(failures)
        + f"\nPut the four files, plain or .gz, in {data_dir},",
        f"or give a directory that has them with {{data_dir}} or {ENVIRONMENT_VARIABLE}.",
    )


def from_data_dir(raw: Path, missing: list[str]) -> None:
    """Use files in the data directory itself and .gz files in `raw`."""
    place([raw, raw.parent.parent], raw, missing)


def from_system_copy(raw: Path, missing: list[str]) -> None:
    """Use the files of Debian's and Ubuntu's package if it is installed."""
    if not SYSTEM_COPY.is_dir():
        raise FileNotFoundError("no such directory")
    place([SYSTEM_COPY], raw, missing)


def from_torchvision(raw: Path, missing: list[str]) -> None:
    """Let torchvision download the files, compare their MD5 sums and unpack them."""
    from torchvision.datasets import FashionMNIST

    report(f"downloading to {raw} from torchvision's mirrors")
    timeout = socket.getdefaulttimeout()
    with tempfile.TemporaryDirectory(PART, ".", raw) as folder:
        try:
            socket.setdefaulttimeout(NETWORK_TIMEOUT)
            FashionMNIST(folder, download=True)
        finally:
            socket.setdefaulttimeout(timeout)
        place([Path(folder) / "FashionMNIST" / "raw"], raw, missing)


def from_debian(raw: Path, missing: list[str]) -> None:
    """Download Debian's package with apt-get, without root, in a temporary folder."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise FileNotFoundError("apt-get is not installed")
    report(f"downloading to {raw} from Debian's package {DEBIAN_PACKAGE} (apt-get, no root needed)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for subfolder in ("state/lists/partial", "cache/archives/partial"):
            (folder / subfolder).mkdir(parents=True)
        configuration = folder / "apt.conf"
        # The system's hooks after an update need root; #clear removes them for this call.
        configuration.write_text(
            f'Dir::State "{folder}/state";\nDir::Cache "{folder}/cache";\nDir::Log "{folder}";\n'
            f'APT::Sandbox::User "";\nAcquire::Retries "1";\n'
            f'Acquire::http::Timeout "{NETWORK_TIMEOUT}";\n'
            f'Acquire::https::Timeout "{NETWORK_TIMEOUT}";\n#clear APT::Update;\n',
            encoding="utf-8",
        )
        run_program("apt-get", "-q", "-c", configuration, "update", cwd=folder)
        run_program("apt-get", "-q", "-c", configuration, "download", DEBIAN_PACKAGE, cwd=folder)
        package = next(folder.glob(f"{DEBIAN_PACKAGE}*.deb"))
        run_program("dpkg-deb", "-x", package, folder / "files", cwd=folder)
        place([folder / "files" / SYSTEM_COPY.relative_to("/")], raw, missing)


def place(folders: list[Path], raw: Path, missing: list[str]) -> None:
    """Write each missing file to `raw` from the first folder that has it intact, plain or .gz.

    Raises FileNotFoundError if no folder has a file, ValueError if every copy of it is damaged.
    """
    for name in missing:
        problem: Exception = FileNotFoundError(f"{name} does not exist")
        for path in (folder / file for folder in folders for file in (name, f"{name}.gz")):
            try:
                write_atomically(raw / name, read_verified(path, name))
                break
            except FileNotFoundError:
                pass
            except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
                problem = ValueError(f"{path}: {error}")
        else:
            raise problem


def run_program(*command: str | Path, cwd: Path) -> None:
    """Run a command; raise RuntimeError with the last line of its output if it fails."""
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{command[0]} did not finish in {error.timeout:.0f} s") from error
    if done.returncode:
        last_line = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise RuntimeError(f"{command[0]} failed: {''.join(last_line)}")


def report(message: str) -> None:
    """Print a message on standard error, separate from a program's own output."""
    print(f"Fashion-MNIST: {message}", file=sys.stderr, flush=True)
