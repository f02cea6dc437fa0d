"""A tour through a place at the clinic, against a running `make demo`: python3 docs/tour_booking.py

A citizen registers her phone, looks for a place today, holds it, books it, finds the notice in her inbox and the push
on her phone; the clinic sees her on its day list, checks her in, calls her and is done. She books a vaccination and
cancels it. Last she books a talk from home, of which the worker reminds her two hours before:
`python3 docs/tour_booking.py reminder` waits for that. Only Python's standard library.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.request import urlopen

from tour import Caller, clinic_token, environment, say

VIETNAM = timezone(timedelta(hours=7))
PHONE, PATIENCE_S, BEFORE = "tour-phone", 60, timedelta(hours=2)
Json = dict[str, Any]
REGISTER = """mutation ($token: String!) {
  setNotificationSettings(settings: {quietFrom: null, quietTo: null}) { quietFrom }
  registerDevice(token: $token, platform: ANDROID, name: "Máy của tôi") { __typename } }"""
NAME = "{ healthRecord { demographics { name } } }"
SLOTS = """query ($filter: SlotFilter!) { slots(filter: $filter, first: 5) {
  nodes { id startsAt free clinic { name } service { name } practitionerName roomName } } }"""
RESULT = """{ __typename ... on Appointment { id status startsAt heldUntil changeUntil }
  ... on AppointmentRefused { code } }"""
HOLD = f"mutation ($slot: ID!) {{ holdSlot(slotId: $slot) {RESULT} }}"
BOOK = f"mutation ($hold: ID!, $who: ContactInput!) {{ bookAppointment(holdId: $hold, contact: $who) {RESULT} }}"
CANCEL = f"mutation ($id: ID!) {{ cancelAppointment(id: $id) {RESULT} }}"
BOOKED = "{ appointments(status: [BOOKED]) { nodes { id startsAt service { code } } } }"
INBOX = """query ($kinds: [NoticeKind!]) { inbox(first: 20, kinds: $kinds) {
  nodes { id title body at link { url subjectId } } } }"""
DAY = """query ($day: String!) { clinicDay(date: $day) {
  id startsAt status contactName queueNumber service { name } roomName } }"""
END = """mutation ($id: ID!) { cancelClinicAppointment(id: $id) {
  ... on ClinicAppointment { status } ... on AppointmentRefused { code } } }"""
STEP = """mutation ($id: ID!, $to: AppointmentStep!) { stepAppointment(id: $id, to: $to) {
  __typename ... on ClinicAppointment { status queueNumber } ... on AppointmentRefused { code } } }"""

STEPS = {
    "CHECKED_IN": "She is at the desk and gets a number",
    "CALLED": "It is her turn",
    "IN_PROGRESS": "She is being seen",
    "DONE": "Done",
}


@dataclass(frozen=True)
class Tour:
    """The two who take part, and the push server that the demo's phones are behind."""

    citizen: Caller
    clinic: Caller
    pushes: str

    def walk(self) -> None:
        say("She registers her phone, which may ring at night", self.citizen.graphql(REGISTER, token=PHONE)["data"])
        self.visit(self.book("TRUC", "A place today, at any hour", timedelta()))
        self.take_back(self.book("TIEM", "A flu vaccination, another day", timedelta(days=1), vaccineCode="FLU"))
        talk = self.book("TUVAN", "A talk from home, in two hours", BEFORE + timedelta(minutes=1))
        print(f"\n# Two hours before, at {local(talk) - BEFORE:%H:%M}, the worker reminds her; to wait for it:")
        print("python3 docs/tour_booking.py reminder")

    def book(self, service: str, title: str, after: timedelta, **more: str) -> Json:
        """Her appointment at the first place she gets, or the one that a tour before left her."""
        wanted = {"serviceCode": service, "from": (datetime.now(UTC) + after).isoformat(), **more}
        found = self.citizen.graphql(SLOTS, filter=wanted)["data"]["slots"]["nodes"]
        say(title, found[:2])
        if (left := self.left(service)) is not None:
            say("She has one already", left)
            return left
        held = self.hold(found)
        say("She holds it for five minutes", held)
        patient = self.citizen.graphql(NAME)["data"]["healthRecord"]["demographics"]
        who = {"name": patient["name"], "phone": "0912 345 678"}
        booked: Json = self.citizen.graphql(BOOK, hold=held["id"], who=who)["data"]["bookAppointment"]
        say("She books it", booked)
        self.told("APPOINTMENT_BOOKED", booked)
        return booked

    def left(self, service: str) -> Json | None:
        """What is to come; the clinic ends what a tour of another day left, for a service is booked once at a time."""
        nodes = self.citizen.graphql(BOOKED)["data"]["appointments"]["nodes"]
        one = next((one for one in nodes if one["service"]["code"] == service), None)
        if one is not None and local(one) <= datetime.now(VIETNAM):
            say("The clinic ends what nobody came to", self.clinic.graphql(END, id=one["id"]))
            return None
        return one

    def hold(self, slots: list[Json]) -> Json:
        """Somebody may be quicker, or she has another appointment at that time: then the next."""
        for slot in slots:
            answer: Json = self.citizen.graphql(HOLD, slot=slot["id"])["data"]["holdSlot"]
            if answer["__typename"] == "Appointment":
                return answer
        raise SystemExit("There is no place to be had just now.")

    def told(self, kind: str, booked: Json) -> None:
        """What her inbox says of it, and what reached her phone."""
        notice = self.notice(kind, booked)
        say("Her inbox", notice)
        push = until(lambda: self.push_of(notice), every_s=0.2, longest_s=PATIENCE_S)
        say("Her phone, as the FCM server got it", push)

    def notice(self, kind: str, booked: Json) -> Json | None:
        nodes = self.citizen.graphql(INBOX, kinds=[kind])["data"]["inbox"]["nodes"]
        return next((one for one in nodes if one["link"]["subjectId"] == booked["id"]), None)

    def push_of(self, notice: Json | None) -> Json | None:
        with urlopen(f"{self.pushes}/messages") as answer:
            messages: list[Json] = json.load(answer)
        mine = (one for one in messages if one["token"] == PHONE)
        return next((one for one in mine if notice and one["data"]["id"] == notice["id"]), None)

    def visit(self, booked: Json) -> None:
        """The day at the clinic: its list, and her way from the door to the end."""
        day = f"{local(booked):%Y-%m-%d}"
        listed = self.clinic.graphql(DAY, day=day)["data"]["clinicDay"]
        say("The clinic's day list, who is to come", [one for one in listed if one["status"] == "BOOKED"][:3])
        print(f"\n# The same in a browser, signed in as the doctor\n{self.clinic.origin}/clinic/day?date={day}")
        if day != f"{datetime.now(VIETNAM):%Y-%m-%d}":
            print("\n# Her place is tomorrow's\nNobody is checked in before the day itself: come back after midnight.")
            return
        for to, title in STEPS.items():
            say(title, self.clinic.graphql(STEP, id=booked["id"], to=to)["data"]["stepAppointment"])
            if to == "CALLED":
                self.told("QUEUE_CALL", booked)

    def take_back(self, booked: Json) -> None:
        say("She cancels it", self.citizen.graphql(CANCEL, id=booked["id"])["data"]["cancelAppointment"])
        self.told("APPOINTMENT_CANCELLED", booked)

    def wait_for_reminder(self) -> None:
        talk = self.left("TUVAN")
        if talk is None:
            raise SystemExit("There is nothing to be reminded of: python3 docs/tour_booking.py")
        due = local(talk) - BEFORE
        print(f"Reminded at {due:%H:%M} of what begins at {local(talk):%H:%M}; Ctrl-C ends the waiting.", flush=True)
        longest_s = (due - datetime.now(VIETNAM)).total_seconds() + PATIENCE_S
        until(lambda: self.notice("REMINDER", talk), every_s=1, longest_s=longest_s)
        self.told("REMINDER", talk)


def until(look: Callable[[], Json | None], *, every_s: float, longest_s: float) -> Json:
    """What `look` finds; the end of the tour where it finds nothing for so long."""
    ends = time.monotonic() + longest_s
    while (found := look()) is None:
        if time.monotonic() > ends:
            raise SystemExit("Nothing came.")
        time.sleep(every_s)
    return found


def local(appointment: Json) -> datetime:
    """When it begins, on the clinic's clock."""
    return datetime.fromisoformat(appointment["startsAt"]).astimezone(VIETNAM)


def main() -> None:
    told = dict(line.split("=", 1) for line in environment().read_text().splitlines())
    citizen, clinic = Caller(told["ORIGIN"], told["CITIZEN"]), Caller(told["ORIGIN"], clinic_token(told))
    tour = Tour(citizen, clinic, told["PUSHES"])
    if sys.argv[1:] == ["reminder"]:
        tour.wait_for_reminder()
    else:
        tour.walk()


if __name__ == "__main__":
    main()
