"""What CI runs is what a person runs, and it needs nothing but what it installs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.interop.node import needs_node

ROOT = Path(__file__).parents[2]
RUN = ROOT / ".ci" / "run"


@pytest.fixture
def system(tmp_path):
    """A machine of stubs: each tells what it was asked, in order."""
    told = tmp_path / "told"
    told.touch()

    def put(name, status=0):
        stub = tmp_path / name
        stub.write_text(f'#!/bin/bash\necho "{name} $* in $(pwd) with CI=$CI" >> "{told}"\nexit {status}\n')
        stub.chmod(0o755)

    def run():
        (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
        done = subprocess.run(["/bin/bash", RUN], cwd="/", env={"PATH": str(tmp_path)}, capture_output=True, text=True)
        return done, told.read_text().splitlines()

    put.run = run
    return put


PRESENT = ("make", "python3", "node", "npm", "chromium")


def test_a_machine_that_has_everything_only_checks(system):
    for name in PRESENT:
        system(name)
    done, told = system.run()
    assert done.returncode == 0, done.stderr
    asked = [line for line in told if not line.startswith(("python3", "node -e"))]
    assert asked == [f"make check in {ROOT} with CI=true"]


def test_a_real_node_is_judged_by_its_version(system, tmp_path):
    needs_node()
    for name in PRESENT:
        if name != "node":
            system(name)
    (tmp_path / "node").symlink_to(shutil.which("node"))
    done, told = system.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert not [line for line in told if line.startswith("npm")]


def test_what_is_missing_is_installed_first_by_root_and_named_to_others(system):
    system("python3", status=1)
    system("apt-get")
    done, told = system.run()
    if os.geteuid() != 0:
        assert done.returncode == 1
        assert "make python3 python3-venv nodejs npm chromium" in done.stderr
        return
    installed = next(line for line in told if "apt-get install" in line)
    assert re.search(r"--no-install-recommends make python3 python3-venv nodejs npm chromium in ", installed)
    assert told.index(installed) > next(n for n, line in enumerate(told) if "apt-get update" in line)


def test_an_old_node_is_replaced_by_root_and_named_to_others(system):
    """Debian 12 brings node 18; the clients of tests/interop need the WebCrypto of 20."""
    for name in PRESENT:
        system(name, status=1 if name == "node" else 0)
    done, told = system.run()
    if os.geteuid() != 0:
        assert done.returncode == 1
        assert "node of 20 or newer" in done.stderr
        return
    assert [line for line in told if re.match(r"npm install --global .* node-linux-\S*@22\.\d+\.\d+ npm@10\.", line)]
    assert not [line for line in told if line.startswith("apt-get")]


def test_a_failed_check_fails(system):
    for name in PRESENT:
        system(name, status=2 if name == "make" else 0)
    assert system.run()[0].returncode == 2


def test_the_script_is_strict_executable_and_fetches_nothing_by_address():
    text = RUN.read_text()
    assert "set -euo pipefail" in text
    assert os.access(RUN, os.X_OK)
    assert not re.search(r"https?:|curl|wget", text)


def test_make_check_runs_every_tool_and_the_suite():
    target = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    for step in ('ruff" format --check', 'ruff" check', '/mypy"', '/lint-imports"', "test"):
        assert step in target


def test_hooks_before_a_commit_are_local_and_run_the_locked_tools():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    for hook in hooks["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/")
