"""The newcomer's first command: `healthbook demo`, as a process, in a folder with a space in its name.

One folder is loaded once; later starts serve it, or a copy of it where something is to be killed.
"""

import base64
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.demos import Demo, free_port
from tests.cli.servers import NOBODY, PROJECT, as_root, ended, fresh_folder, linux
from tests.pace import seconds

pytestmark = linux
RECORD = "{ healthRecord { patientId demographics { name birthDate } encounters { totalCount } } }"
STOPPED = (0, 130)


@pytest.fixture(scope="module")
def first():
    """A demo that was started once and stopped: its folder is loaded, its words are kept."""
    with fresh_folder() as folder, closing(Demo(folder / "Sổ sức khỏe", free_port())) as demo:
        demo.ready()
        demo.record = demo.ask(RECORD)
        demo.exit_code, demo.said = demo.stop(), demo.errors
        demo.left = demo.has_database
        yield demo


@pytest.fixture(scope="module")
def second(first):
    """The same folder served for the second time, while the tests of this file run."""
    with closing(Demo(first.folder, free_port())) as demo:
        yield demo.ready()


@contextmanager
def copied(first):
    with fresh_folder() as folder:
        leave_out = shutil.ignore_patterns("socket*", "postmaster.*", "lock")
        yield shutil.copytree(first.folder, folder / "bản sao", ignore=leave_out)


@pytest.fixture(scope="module")
def spare(first):
    """A loaded folder for demos that are killed."""
    with copied(first) as folder:
        yield folder


@pytest.fixture
def start(spare):
    started = []

    def make(folder=spare, port=None, **options):
        started.append(Demo(folder, port or free_port(), **options))
        return started[-1].ready()

    yield make
    for demo in started:
        demo.close()


def token_id(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["jti"]


def test_the_first_start_loads_the_population_and_says_where_to_look(first):
    assert "Preparing the database" in first.words
    assert re.search(r"Inventing people .* 12/12", first.words)
    assert re.search(r"Importing \(bytes\) .* (\d+)/\1 ", first.words)
    assert re.search(r"^\d+ accepted; \d+ warnings$", first.words, re.MULTILINE)
    for place in ("/login", "/graphiql", "/readyz", "/livez"):
        assert f"{first.origin}{place}" in first.words


def test_ctrl_c_stops_it_with_its_database_and_without_a_word(first):
    assert first.exit_code in STOPPED
    assert not first.left
    assert first.said == ""


@pytest.mark.parametrize("name", ["keys.json", "demo.json"])
def test_secrets_are_nobody_elses_to_read(first, name):
    assert (first.folder / name).stat().st_mode & 0o077 == 0


def test_a_second_start_serves_what_is_there(first, second):
    for step in ("Preparing", "Inventing", "Importing"):
        assert step not in second.words
    assert second.ask(RECORD) == first.record
    assert token_id(second.token) != token_id(first.token)


def test_the_places_it_names_answer(second):
    assert second.get("/readyz").json()["status"] == "ready"
    assert second.get("/livez").json() == {"status": "alive"}
    explorer = second.get("/graphiql")
    assert explorer.status_code == 200
    assert second.token in explorer.text


def test_its_token_reads_the_citizen_it_names(second):
    label = re.search(r"with the token of (.+)$", second.words, re.MULTILINE)[1].strip()
    record = second.ask(RECORD)["data"]["healthRecord"]
    assert record["demographics"]["name"].casefold() == label.casefold()
    assert record["encounters"]["totalCount"] > 0


def test_its_sign_in_page_lists_the_citizens(first, second):
    citizens = json.loads((first.folder / "population" / "citizens.json").read_text())
    page = second.get("/login")
    assert len(citizens) >= 3
    for citizen in citizens:
        assert citizen["label"] in page.text
        assert f'value="{citizen["sub"]}"' in page.text


def curl_lines(printed):
    """The words of each curl command as a shell reads them, continued lines joined."""
    joined = printed.replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.strip().startswith("curl ")]


def after(command, option):
    return command[command.index(option) + 1]


def test_its_curl_lines_can_be_pasted(first, second):
    """Sent by us: a machine for tests need not have curl."""
    query, token, ingest = curl_lines(second.words)
    answer = httpx.post(query[1], content=after(query, "-d"), headers=dict(header(query, n) for n in (0, 1)))
    assert answer.json()["data"]["healthRecord"]["demographics"]["name"]
    name, _, secret = after(token, "-u").partition(":")
    form = {"content": after(token, "-d"), "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    granted = httpx.post(token[3], auth=(name, secret), **form).json()["access_token"]
    code = re.search(r"a token for facility (\w+),", second.words)[1]
    file = next((first.folder / "population" / "qd4750").glob(f"*{code}*"))
    sent = httpx.post(ingest[1], content=file.read_bytes(), headers={"Authorization": f"Bearer {granted}"})
    assert {json.loads(line)["status"] for line in sent.text.splitlines()} == {"unchanged"}


def steps_of(words):
    """Title and answer of each step of a tour, in order."""
    return [step.rstrip().split("\n", 1) for step in words.split("\n# ")[1:]]


def test_the_tour_shows_consent_from_asking_to_withdrawing(second):
    steps = dict(steps_of(second.run("docs/tour.py")))
    nothing, granted, after = (json.loads(steps[title]) for title in TOUR)
    assert nothing["data"] == after["data"] == {"healthRecord": None}
    assert granted["data"]["healthRecord"]["labs"]["totalCount"] > 0
    assert granted["data"]["healthRecord"]["prescriptions"]["totalCount"] > 0
    assert granted["data"]["healthRecord"]["encounters"] is None
    assert [error["extensions"]["code"] for error in granted["errors"]] == ["CONSENT_REQUIRED"]
    assert steps["Her log, newest first"].count("Bệnh viện Đa khoa Sen Hồng") == 4


TOUR = (
    "The clinic learns nothing, not even that there is such a book",
    "The clinic reads exactly those",
    "The same token, the next request",
)


def test_the_booking_tour_goes_from_a_free_place_to_the_end_of_the_visit(second):
    steps = steps_of(second.run("docs/tour_booking.py"))
    told = {
        title: [json.loads(text) for name, text in steps if name == title] for title, _ in steps if title in ANSWERS
    }
    assert [one["status"] for one in told["She books it"]] == ["BOOKED"] * len(told["She books it"])
    assert [one["status"] for one in told["She cancels it"]] == ["CANCELLED"]
    assert {"Đã đặt lịch hẹn", "Lịch hẹn đã hủy"} <= {one["title"] for one in told["Her inbox"]}
    pushes = told["Her phone, as the FCM server got it"]
    assert [one["data"]["id"] for one in pushes] == [one["id"] for one in told["Her inbox"]]
    assert {(one["token"], one["notification"]["title"]) for one in pushes} == {
        ("tour-phone", "Sổ sức khỏe: có tin mới")
    }
    listed = told["The clinic's day list, who is to come"][0][0]
    assert (listed["contactName"], listed["status"]) == ("NGUYỄN THỊ HÒA", "BOOKED")
    if "Her place is tomorrow's" not in dict(steps):  # the last quarter of an hour before midnight
        assert told["She is at the desk and gets a number"][0]["queueNumber"] > 0
        assert [told[title][0]["status"] for title in AT_THE_CLINIC] == ["CHECKED_IN", "CALLED", "IN_PROGRESS", "DONE"]


AT_THE_CLINIC = ("She is at the desk and gets a number", "It is her turn", "She is being seen", "Done")
ANSWERS = (
    "She books it",
    "She cancels it",
    "Her inbox",
    "Her phone, as the FCM server got it",
    "The clinic's day list, who is to come",
    *AT_THE_CLINIC,
)


def test_the_worker_of_the_demo_reminds_when_the_time_has_come(second):
    """The booking is moved to where two hours are left, which stands for the time that passes."""
    second.run("docs/tour_booking.py")
    assert second.sql(TALK.format("2 hours")) == "UPDATE 1"
    notice, push = (json.loads(text) for _, text in steps_of(second.run("docs/tour_booking.py", "reminder")))
    assert notice["title"] == "Nhắc lịch hẹn"
    assert push["data"]["id"] == notice["id"]


TALK = """
update booking.booking b set starts_at = now() + interval '{0}', ends_at = now() + interval '{0} 15 minutes'
  from booking.service s where s.id = b.service_id and s.code = 'TUVAN' and b.status = 'booked'
"""


def test_the_readmes_lines_for_graphiql_find_and_book_a_place(second):
    readme = (PROJECT / "README.md").read_text()
    lines = re.search(r"By hand, in GraphiQL:\n\n```graphql\n(.+?)```", readme, re.DOTALL)[1]
    find, book = lines.split("mutation ")
    slots = second.ask(find)["data"]["slots"]["nodes"]
    tried = (second.ask("mutation " + book.replace("...", slot["id"], 1)) for slot in slots)
    assert "BOOKED" in (one["data"]["bookAppointment"].get("status") for one in tried)


def test_a_tour_of_the_next_day_starts_afresh(second):
    second.run("docs/tour_booking.py")
    assert second.sql(TALK.format("-1 day")) == "UPDATE 1"
    steps = steps_of(second.run("docs/tour_booking.py"))
    ended = next(json.loads(text) for title, text in steps if title == "The clinic ends what nobody came to")
    assert ended["data"]["cancelClinicAppointment"] == {"status": "CANCELLED_BY_CLINIC"}
    assert steps[-1][0].startswith("Two hours before, at ")


def test_its_clinic_has_a_day_page_for_the_doctor_it_names(second):
    named = re.search(r"A day at the clinic, signed in as (.+): +(\S+)$", second.words, re.MULTILINE)
    assert named[2] == f"{second.origin}/clinic/day"
    page = httpx.get(named[2], follow_redirects=True)
    assert named[1] in page.text, "who is not signed in chooses among the demo's people"


def header(command, number):
    values = [command[at + 1] for at, word in enumerate(command) if word == "-H"]
    return values[number].split(": ", 1)


def test_a_killed_demo_leaves_no_database(first, start):
    demo = start()
    postgres = demo.postgres
    demo.process.send_signal(signal.SIGKILL)
    assert ended(postgres, seconds(2))
    assert start().ask(RECORD) == first.record


def test_a_terminated_demo_stops_its_database(start):
    demo = start()
    postgres = demo.postgres
    demo.process.send_signal(signal.SIGTERM)
    demo.process.wait(seconds(30))
    assert ended(postgres, 0)
    assert not demo.has_database
    assert demo.errors == ""


def test_two_run_side_by_side_and_a_taken_port_is_said_plainly(first, second, start):
    port = int(second.origin.rsplit(":", 1)[1])
    other = start(port=port)
    assert f"Port {port} is taken; using {other.origin.rsplit(':', 1)[1]}." in other.words
    assert other.postgres != second.postgres
    assert other.ask(RECORD) == second.ask(RECORD) == first.record
    assert other.ask(RECORD, second.token)["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    other.stop()
    assert second.get("/readyz").status_code == 200


def test_a_folder_in_use_is_said_plainly(second):
    with closing(Demo(second.folder, free_port())) as late:
        late.process.communicate(timeout=300)
        assert late.process.returncode == 1
        assert late.errors.startswith("healthbook: ")
        assert f"is in use by process {second.process.pid}." in late.errors
        assert "Traceback" not in late.errors


def test_a_real_server_is_never_a_demos(tmp_path):
    named = {"HEALTHBOOK_DATABASE_URL": "postgresql://nowhere/", "HEALTHBOOK_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "cli.main", "demo"]
    done = subprocess.run(command, capture_output=True, cwd=PROJECT, env=named, check=False)
    assert done.returncode == 2
    assert b"HEALTHBOOK_DATABASE_URL" in done.stderr
    assert list(tmp_path.iterdir()) == []


@as_root
def test_an_ordinary_user_is_served_the_same(first, start):
    with copied(first) as folder:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(folder)], check=True)
        demo = start(folder, user=NOBODY)
        assert demo.ask(RECORD) == first.record
        assert Path(f"/proc/{demo.postgres}").stat().st_uid == NOBODY
        assert demo.stop() in STOPPED


def test_a_push_arrives_at_the_push_server_of_the_demo(second):
    register = """mutation { registerDevice(token: "%s", platform: ANDROID, name: "Máy") { ... on Device { id } } }"""
    for token in ("demo-phone-1", "demo-phone-2"):
        assert "errors" not in second.ask(register % token)
    told = dict(line.split("=", 1) for line in (second.folder / "demo.env").read_text().splitlines())
    until = time.monotonic() + seconds(60)
    while not (arrived := [one for one in pushes_of(told) if one["token"].startswith("demo-phone")]):
        assert time.monotonic() < until, "nothing arrived"
        time.sleep(0.1)
    notices = second.ask("{ inbox { nodes { id title } } }")["data"]["inbox"]["nodes"]
    assert {message["data"]["id"] for message in arrived} <= {notice["id"] for notice in notices}
    assert "Lưu ý an toàn" in {notice["title"] for notice in notices}


def pushes_of(told):
    return httpx.get(f"{told['PUSHES']}/messages").json()
