"""The packages of other people are locked by hash, and the lock tells no address."""

import base64
import json
import re

from tests.interop.node import HERE

DECLARED = json.loads((HERE / "package.json").read_text())
LOCK = json.loads((HERE / "package-lock.json").read_text())["packages"]
LOCKED = {name: package for name, package in LOCK.items() if name}


def test_every_package_is_locked_by_its_hash():
    for name, package in LOCKED.items():
        algorithm, _, digest = package["integrity"].partition("-")
        assert (algorithm, len(base64.b64decode(digest))) == ("sha512", 64), name


def test_the_lock_names_no_registry():
    assert not [name for name, package in LOCKED.items() if "resolved" in package]


def test_what_is_asked_for_is_one_version_and_locked():
    for name, version in DECLARED["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert LOCKED[f"node_modules/{name}"]["version"] == version


def test_no_package_runs_a_script_when_it_is_installed():
    assert "ignore-scripts=true" in (HERE / ".npmrc").read_text().splitlines()
