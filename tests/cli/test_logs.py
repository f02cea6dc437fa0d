"""What stands in a log of the running service: JSON lines, and never the words of an exception."""

import json
import subprocess
import sys

import pytest

from tests.cli.servers import PROJECT

SAID = """
import logging, structlog
from cli.logs import configure
configure()
try:
    raise {failure}
except ValueError as failure:
    {log}
"""


def logged(log, failure="ValueError('Key (name)=(NGUYỄN THỊ HÒA) is 001155000123')"):
    """What a process that logs this writes to its standard error, line by line."""
    program = SAID.format(failure=failure, log=log)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=PROJECT, check=True)
    assert done.stdout == b""
    return [json.loads(line) for line in done.stderr.decode().splitlines()]


@pytest.mark.parametrize(
    "log",
    [
        "logging.getLogger('uvicorn.error').exception('asked for 001155000123')",
        "logging.getLogger('asyncio').error('HÒA', exc_info=failure)",
        "structlog.get_logger().error('unexpected', exc_info=failure)",
    ],
)
def test_of_an_exception_only_its_kind_and_place_are_told(log):
    (line,) = logged(log)
    assert line["kind"] == "ValueError"
    assert line["trace"] == ["<string>:6"]
    assert line["level"] == "error"
    assert "001155000123" not in str(line)
    assert "HÒA" not in str(line)


def test_libraries_are_heard_from_warnings_on_and_without_their_words():
    log = "[logging.getLogger('some.library').log(level, 'SELECT 1') for level in (10, 20, 30, 40)]"
    assert logged(log) == [
        {"event": "some.library", "level": "warning"},
        {"event": "some.library", "level": "error"},
    ]


def test_our_own_events_have_a_time_and_what_they_are_given():
    (line,) = logged("structlog.get_logger().info('housekeeping', purged=3)")
    assert (line["event"], line["level"], line["purged"]) == ("housekeeping", "info", 3)
    assert line["timestamp"].endswith("Z")
