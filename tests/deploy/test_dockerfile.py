"""What the Dockerfile promises. It is built where there is an engine; here, what can be known without one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = ROOT / "Dockerfile"
PACKAGES: Final = ("shipper", "workers")

Stage = list[tuple[str, str]]


def stages() -> dict[str, Stage]:
    """Return each stage's instructions in order, lines joined and comments left out."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", "")
    found: dict[str, Stage] = {}
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found[rest.rpartition(" AS ")[2]] = []
        elif found:
            found[list(found)[-1]].append((word, " ".join(rest.split())))
    return found


def the(word: str, stage: Stage) -> str:
    (rest,) = [rest for name, rest in stage if name == word]
    return rest


def hadolint(path: Path) -> str:
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run([program, path], capture_output=True, text=True, check=False).stdout


def test_the_linter_has_nothing_to_say() -> None:
    assert hadolint(DOCKERFILE) == ""


def test_the_linter_would_find_a_shell_form(tmp_path: Path) -> None:
    worse = tmp_path / "Dockerfile"
    worse.write_text(DOCKERFILE.read_text().replace('ENTRYPOINT ["shipper"]', "ENTRYPOINT shipper"))

    assert "DL3025" in hadolint(worse)


def test_the_image_runs_as_nobody_in_particular_without_a_shell() -> None:
    runtime = stages()["runtime"]

    assert the("USER", runtime) == "10001:10001"
    assert json.loads(the("ENTRYPOINT", runtime)) == ["shipper"]
    assert json.loads(the("CMD", runtime)) == ["worker"]
    assert the("STOPSIGNAL", runtime) == "SIGTERM"
    assert the("HEALTHCHECK", runtime).endswith('CMD ["shipper", "health"]')


def test_the_image_starts_in_an_empty_folder_so_that_nothing_there_is_taken_for_ours() -> None:
    assert the("WORKDIR", stages()["runtime"]) == "/srv"


def test_what_is_downloaded_is_checked_against_its_hash_and_nothing_comes_in_later() -> None:
    wheels, build, runtime = stages()["wheels"], stages()["build"], stages()["runtime"]

    assert "--require-hashes --only-binary :all:" in the("RUN", wheels)
    assert the("ENV", build).split()[:2] == ["PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels"]
    assert not [rest for word, rest in runtime if word == "RUN" and ("pip" in rest or "apt" in rest)]


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    seen = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source.removesuffix("/")
        for stage in stages().values()
        for word, rest in stage
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }

    assert seen == copied
    assert all((ROOT / name).exists() for name in seen)


def pins(name: str) -> dict[str, frozenset[str]]:
    """Return the hashes of each pin of a lock."""
    found: dict[str, frozenset[str]] = {}
    for block in re.split(r"\n(?=[a-z])", (ROOT / name).read_text()):
        pin = block.partition(" \\")[0]
        found[pin] = frozenset(re.findall(r"sha256:[0-9a-f]{64}", block))
    return {pin: hashes for pin, hashes in found.items() if "==" in pin}


def test_the_image_is_built_from_pins_that_the_tests_ran_on() -> None:
    image, tested = pins("requirements-runtime.lock"), pins("requirements.lock")

    assert image
    assert image.items() <= tested.items()
    assert all(image.values())


@pytest.mark.parametrize(
    ("needed_for", "is_in"),
    [
        ("dependencies", True),
        ("encryption", True),
        ("web", True),
        ("build", True),
        ("test", False),
        ("embedded", False),
    ],
)
def test_the_image_is_built_from_what_it_needs(needed_for: str, is_in: bool) -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups: dict[str, list[str]] = {
        "dependencies": project["project"]["dependencies"],
        **project["project"]["optional-dependencies"],
        **project["dependency-groups"],
    }
    wanted = {re.split(r"[^\w.-]", line)[0].replace(".", "-") for line in groups[needed_for]}

    locked = {pin.partition("==")[0] for pin in pins("requirements-runtime.lock")}

    assert wanted & locked == (wanted if is_in else set())


def test_the_wheel_holds_every_file_of_the_packages_and_the_command(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        (commands,) = [archive.read(name).decode() for name in held if name.endswith("/entry_points.txt")]

    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in held if name.startswith(PACKAGES)} == wanted
    assert {path for path in wanted if path.endswith((".lua", ".toml", "py.typed"))}
    assert "shipper = shipper." in commands
