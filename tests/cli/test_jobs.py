"""`healthbook jobs` and `webhooks`: as an operator types them, with refusals in plain words."""

import os
import subprocess
import sys

import pytest

from tests.cli.servers import PROJECT

KEK = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@pytest.fixture
def healthbook(database):
    environ = os.environ | {"HEALTHBOOK_DATABASE_URL": database.owner, "HEALTHBOOK_KEK": KEK}
    environ["HEALTHBOOK_IDENTIFIER_KEY"] = KEK

    def run(*arguments):
        command = [sys.executable, "-m", "cli.main", *arguments]
        done = subprocess.run(command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=120)
        assert "Traceback" not in done.stderr
        return done

    return run


def test_a_campaign_is_started_seen_paused_and_resumed(healthbook):
    campaign = healthbook("jobs", "campaign", "dose_due").stdout.strip()
    rows = healthbook("jobs", "list", "--status", "queued").stdout.splitlines()
    assert rows[0].split() == ["id", "entrypoint", "status", "starts", "created", "next"]
    assert rows[1].split()[1:4] == ["campaign", "queued", "0"]
    job = rows[1].split()[0]
    assert campaign in healthbook("jobs", "show", job).stdout
    assert healthbook("jobs", "pause", campaign).stdout == f"{campaign} is paused.\n"
    assert healthbook("jobs", "resume", campaign).returncode == 0
    assert healthbook("jobs", "drop", job).returncode == 0
    gone = healthbook("jobs", "show", job)
    assert (gone.returncode, gone.stderr) == (1, "healthbook: There is no such job: it is done, or never was.\n")


def test_a_webhook_is_registered_listed_and_ended(healthbook):
    webhook, secret = healthbook("webhooks", "register", "diary", "https://partner.example/hook").stdout.split()
    assert secret.startswith("whsec_")
    assert healthbook("webhooks", "list").stdout.splitlines()[1].split() == [
        webhook, "diary", "well", "https://partner.example/hook",
    ]  # fmt: skip
    assert healthbook("webhooks", "end", webhook).returncode == 0
    refused = healthbook("webhooks", "register", "diary", "http://169.254.169.254/")
    assert (refused.returncode, refused.stderr) == (1, "healthbook: url: `url`: https only.\n")
