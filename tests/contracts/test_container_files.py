"""The container files, as far as they can be checked without building an image."""

import fnmatch
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from cli.main import app as commands
from cli.settings import VARIABLES

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = ("migrate", "serve", "worker")
COMMANDS = {command.name or command.callback.__name__ for command in commands.registered_commands}
SECRETS = ("POSTGRES_PASSWORD", "HEALTHBOOK_ROLE_PASSWORD", "HEALTHBOOK_KEK", "HEALTHBOOK_IDENTIFIER_KEY")


def instructions():
    """(instruction, rest) of the Dockerfile, continued lines joined, comments gone."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def all_of(name):
    return [rest for instruction, rest in instructions() if instruction == name]


def assigned(path):
    lines = [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_both_stages_are_the_python_the_project_is_locked_for():
    bases = [rest.split()[0] for rest in all_of("FROM")]
    assert bases == ["python:3.11-slim"] * 2
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted == ">=3.11"


def test_installs_only_what_the_lock_holds_with_its_hashes():
    installs = [step for rest in all_of("RUN") for step in rest.split("&&") if "pip install" in step]
    assert installs
    assert all("--require-hashes -r requirements.lock" in step or "--no-deps" in step for step in installs)


def test_the_process_is_not_root_and_stays_so():
    last = [position for position, (name, _) in enumerate(instructions()) if name == "USER"]
    assert len(last) == 1
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", all_of("USER")[0])
    assert not any(name in ("RUN", "COPY", "ADD") for name, _ in instructions()[last[0] :])


def test_no_secret_is_in_the_image():
    for name, rest in instructions():
        assert name not in ("ADD", "ARG")
        assert not re.search("PASSWORD|KEK|SECRET|TOKEN|_KEY", rest)
    kept = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert kept[0] == "*"
    allowed = {line.removeprefix("!") for line in kept if line.startswith("!")}
    assert not any(fnmatch.fnmatch(secret, name) for secret in (".env", ".git", ".healthbook") for name in allowed)


def test_everything_that_is_copied_exists_and_is_sent_to_the_builder():
    sent = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    copied = [shlex.split(rest)[:-1] for rest in all_of("COPY") if not rest.startswith("--from")]
    names = {name for names in copied for name in names}
    assert names == sent
    for name in names:
        assert (ROOT / name).exists(), name


def test_every_package_of_the_distribution_is_in_the_image():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.removesuffix("*") for name in declared} <= {rest.split()[0] for rest in all_of("COPY")}


def test_the_health_check_asks_the_port_that_is_exposed():
    [check], [port] = all_of("HEALTHCHECK"), all_of("EXPOSE")
    assert f"http://127.0.0.1:{port}/livez" in check
    assert all_of("ENTRYPOINT") == ['["healthbook"]']
    assert all_of("CMD") == ['["serve", "--host", "0.0.0.0"]']


def test_compose_runs_postgresql_18_with_a_volume_that_it_keeps():
    postgres = COMPOSE["services"]["postgres"]
    assert postgres["image"] == "postgres:18"
    assert postgres["volumes"] == ["postgres:/var/lib/postgresql"]  # where 18 keeps its data folder by version
    assert "postgres" in COMPOSE["volumes"]
    assert postgres["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]


def test_one_image_serves_every_command():
    services = COMPOSE["services"]
    assert set(services) == {"postgres", *OURS}
    assert {services[name]["image"] for name in OURS} == {"healthbook"}
    assert {services[name]["command"][0] for name in OURS} == set(OURS) <= COMMANDS


def test_nothing_serves_before_the_schema_is_there():
    services = COMPOSE["services"]
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("serve", "worker"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_only_the_api_is_reached_from_outside_and_only_from_this_machine():
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["serve"]
    assert all(port.startswith("127.0.0.1:") for port in COMPOSE["services"]["serve"]["ports"])


def test_the_api_does_not_hold_the_owners_password():
    assert "POSTGRES_PASSWORD" not in str(COMPOSE["services"]["serve"])
    assert "@" not in COMPOSE["services"]["serve"]["environment"]["HEALTHBOOK_DATABASE_URL"]


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_one_that_healthbook_knows(name):
    assert set(COMPOSE["services"][name]["environment"]) <= set(VARIABLES)


def test_every_value_from_outside_stands_in_the_example_and_secrets_have_no_default():
    taken = dict(re.findall(r"\$\{(\w+)(:[-?])", (ROOT / "compose.yaml").read_text()))
    example = assigned(".env.example")
    assert {name for name, kind in taken.items() if kind == ":?"} == set(example)
    assert all(taken[name] == ":?" and not example[name] for name in SECRETS)


def test_git_leaves_the_filled_in_file_alone():
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
