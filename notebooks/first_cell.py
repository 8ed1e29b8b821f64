# Finds the project in a folder above or below, and installs what is missing. Run this cell first.
import importlib.metadata
import subprocess
import sys
from pathlib import Path

places = [Path.cwd(), *Path.cwd().parents, *Path.cwd().glob("*/")]
root = next((place for place in places if (place / "notebooks" / "drawing.py").is_file()), None)
if root is None:
    raise SystemExit(
        f"error: no project in {Path.cwd()}; run `git clone` with its address here, then this cell"
    )
sys.path.insert(0, str(root))
try:
    importlib.metadata.version("d2l_softmax")
except importlib.metadata.PackageNotFoundError:
    torch_here = "torch==" + importlib.metadata.version("torch")  # keep the one that is there
    command = [sys.executable, "-m", "pip", "install", "--quiet", "-e", str(root), torch_here]
    subprocess.run(command, check=True)
