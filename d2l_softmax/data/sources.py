"""The four files of Fashion-MNIST: where they come from, how they are verified and put in place.

Sources, in this order: the data directory, a system copy, torchvision's mirrors, Debian's package.
Whatever the source, a file is used only if its SHA-256 is the original's.
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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

import platformdirs

from d2l_softmax.errors import UserError
from d2l_softmax.io import OutputError, locked, remove_stale_files, write_atomically

SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
ENVIRONMENT_VARIABLE = "D2L_SOFTMAX_DATA"
SYSTEM_COPY = Path("/usr/share/datasets/fashion-mnist")
DEBIAN_PACKAGE = "dataset-fashion-mnist"
MOST_BYTES = 100_000_000  # of a file that is read; the largest of the four has 47 MB
NETWORK_TIMEOUT = 30  # seconds without an answer; a firewall that drops packets never answers

# What a source may fail with; anything else is a mistake of ours and keeps its traceback.
SOURCE_ERRORS = (
    OSError,
    OutputError,
    RuntimeError,
    ValueError,
    EOFError,
    HTTPException,
    zlib.error,
)


class DataUnavailableError(UserError, RuntimeError):
    """No source had the files; the message names each source, why it failed and what to do."""


def default_data_dir() -> Path:
    """Return where the files are kept if nobody says otherwise: $D2L_SOFTMAX_DATA or a cache."""
    if chosen := os.environ.get(ENVIRONMENT_VARIABLE):
        return with_home(chosen)
    return platformdirs.user_cache_path("d2l_softmax", appauthor=False, opinion=False)


def with_home(data_dir: str | os.PathLike) -> Path:
    """Return a path, its ~ replaced; DataUnavailableError if that is nobody's home."""
    try:
        return Path(data_dir).expanduser()
    except RuntimeError as error:
        raise unusable(data_dir, error) from error


def unusable(data_dir: str | os.PathLike, reason: object) -> DataUnavailableError:
    """Return the error that says why a data directory can't be used."""
    return DataUnavailableError(
        f"the data directory {data_dir} can't be used: {reason};",
        f"name another with {{data_dir}} or {ENVIRONMENT_VARIABLE}",
    )


def ensure_fashion_mnist(data_dir: str | os.PathLike | None = None) -> Path:
    """Return a directory in which torchvision finds Fashion-MNIST, fetching what is missing.

    The files end up in `data_dir/FashionMNIST/raw`, torchvision's own layout, so a directory that
    torchvision filled before is used as it is. A file of the wrong content is never used: it is
    kept beside the good one under the name `*.damaged`.

    Raises DataUnavailableError if no source has the files or the directory can't be used.
    """
    data_dir = default_data_dir() if data_dir is None else with_home(data_dir)
    raw = data_dir / "FashionMNIST" / "raw"
    try:
        missing = find_missing(raw, list(SHA256))
        if missing:
            raw.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(data_dir, error.strerror or error) from error
    if not missing:
        return data_dir
    with locked(raw):  # of several processes one fetches, and the others wait for it
        missing = find_missing(raw, missing)
        return fetch(data_dir, missing) if missing else data_dir


def read_files(data_dir: str | os.PathLike | None = None) -> list[bytes]:
    """Return the contents of the four files, each compared with the original's SHA-256.

    They are read once: the bytes that are compared are the bytes that are returned. What is
    missing or damaged is fetched as by ensure_fashion_mnist, whose errors are raised.
    """
    folder = default_data_dir() if data_dir is None else with_home(data_dir)
    raw = folder / "FashionMNIST" / "raw"
    with suppress(OSError, ValueError):
        return [read_genuine(raw / name, name) for name in SHA256]
    ensure_fashion_mnist(folder)
    try:
        return [read_genuine(raw / name, name) for name in SHA256]
    except (OSError, ValueError) as error:  # changed by another process since
        raise unusable(folder, error) from error


def is_at_hand(data_dir: Path) -> bool:
    """Tell whether a data directory has the four files, so that none needs to be fetched."""
    try:
        return not find_missing(data_dir / "FashionMNIST" / "raw", list(SHA256))
    except OSError:
        return False


def fetch(data_dir: Path, missing: list[str]) -> Path:
    """Put the missing files in place, from the first source that has them; return data_dir."""
    raw = data_dir / "FashionMNIST" / "raw"
    remove_stale_files(raw)
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
        except SOURCE_ERRORS as error:
            failures.append(f"  {label}: {one_line(error)}")
        missing = find_missing(raw, missing)
        if not missing:
            say(f"in {raw}, from {label}")
            return data_dir
    raise DataUnavailableError(
        f"Fashion-MNIST was not found and could not be fetched ({', '.join(missing)}):\n"
        + "\n".join(failures)
        + f"\nPut the four files, plain or .gz, in {data_dir},",
        f"or name a directory that has them with {{data_dir}} or {ENVIRONMENT_VARIABLE}.",
    )


def find_missing(raw: Path, names: list[str]) -> list[str]:
    """Return those of the files that are not there, or not with the original's content."""
    return [name for name in names if not is_genuine(raw / name)]


def from_data_dir(raw: Path, missing: list[str]) -> None:
    """Unpack files that lie in the data directory itself, or as .gz in torchvision's folder."""
    set_aside_damaged(raw, missing)
    place_from([raw, raw.parent.parent], raw, missing)


def from_system_copy(raw: Path, missing: list[str]) -> None:
    """Unpack the files of Debian's and Ubuntu's package, where it is installed."""
    if not SYSTEM_COPY.is_dir():
        raise FileNotFoundError("no such directory")
    place_from([SYSTEM_COPY], raw, missing)


def from_torchvision(raw: Path, missing: list[str]) -> None:
    """Let torchvision download the files (it checks their MD5 sums) and unpack them."""
    from torchvision.datasets import FashionMNIST

    say(f"downloading to {raw} from torchvision's mirrors")
    with tempfile.TemporaryDirectory(".part", ".", raw) as folder, network_timeout(NETWORK_TIMEOUT):
        FashionMNIST(folder, download=True)
        place_from([Path(folder) / "FashionMNIST" / "raw"], raw, missing)


def from_debian(raw: Path, missing: list[str]) -> None:
    """Download Debian's package without root: apt-get with lists and cache of its own."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise FileNotFoundError("apt-get is not installed")
    say(f"downloading to {raw} from Debian's package {DEBIAN_PACKAGE} (apt-get, no root needed)")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for part in ("state/lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        configuration = folder / "apt.conf"
        # The system's own hooks after an update want root; #clear removes them for this call.
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
        place_from([folder / "files" / SYSTEM_COPY.relative_to("/")], raw, missing)


def place_from(folders: list[Path], raw: Path, missing: list[str]) -> None:
    """Put each missing file in place from the first folder that has it whole, plain or .gz."""
    for name in missing:
        candidates = [folder / file for folder in folders for file in (name, f"{name}.gz")]
        problem: Exception = FileNotFoundError(f"{name} is not there")
        for candidate in filter(Path.is_file, candidates):
            try:
                write_atomically(raw / name, read_genuine(candidate, name))
                break
            except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
                problem = ValueError(f"{candidate}: {error}")
        else:
            raise problem


def read_genuine(path: Path, name: str) -> bytes:
    """Return a file's content, decompressed if it is .gz; ValueError if it isn't the original's."""
    if not path.is_file():  # a pipe would be waited for
        raise FileNotFoundError(f"{path} is not there")
    content = read(path)
    if sha256(content) != SHA256[name]:
        raise ValueError(
            f"damaged or not Fashion-MNIST's: SHA-256 {sha256(content)}, expected {SHA256[name]}"
        )
    return content


def set_aside_damaged(raw: Path, missing: list[str]) -> None:
    """Rename files of the wrong content to *.damaged, so that nothing of the user's is lost."""
    for path in (raw / name for name in missing):
        if path.exists() and not is_genuine(path):  # another process may have been here
            kept = path.with_name(f"{path.name}.damaged")
            while kept.exists():
                kept = kept.with_name(f"{kept.name}.damaged")
            path.rename(kept)
            say(f"{path} has the wrong SHA-256; kept as {kept.name}")


def is_genuine(path: Path) -> bool:
    """Tell whether the file is there and has the original's SHA-256."""
    return path.is_file() and sha256(read(path)) == SHA256[path.name]


def read(path: Path) -> bytes:
    """Return a file's content, decompressed if it is .gz, or the beginning of one too large."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        return file.read(MOST_BYTES)


def sha256(content: bytes) -> str:
    """Return the SHA-256 of the bytes as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def run_program(*command: str | Path, cwd: Path) -> None:
    """Run a command; raise RuntimeError with the last line it printed if it fails."""
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{command[0]} did not finish in {error.timeout:.0f} s") from error
    if done.returncode:
        last_line = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise RuntimeError(f"{command[0]} failed: {''.join(last_line)}")


@contextmanager
def network_timeout(seconds: float) -> Iterator[None]:
    """Limit how long connections that are opened meanwhile wait for an answer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def one_line(error: Exception) -> str:
    """Return the error's message without line breaks, or its name if it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def say(what: str) -> None:
    """Tell the person at the terminal, apart from a program's own output."""
    with suppress(OSError):  # nobody listens
        print(f"Fashion-MNIST: {what}", file=sys.stderr, flush=True)
