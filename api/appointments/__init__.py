"""Appointments: finding a place and booking it, and the clinic's side of the same."""

import strawberry

from api.appointments.booking import BookingMutations, BookingQueries
from api.appointments.desk import ClinicDayMutations, DeskQueries
from api.appointments.feeds import FeedMutations, FeedQueries
from api.appointments.lines import LineMutations, LineQueries
from api.appointments.passes import PassMutations
from api.appointments.schedules import ScheduleMutations, ScheduleQueries
from api.appointments.searching import SearchingQueries

__all__ = ["AppointmentMutations", "AppointmentQueries"]


@strawberry.type
class AppointmentMutations(
    BookingMutations, PassMutations, LineMutations, FeedMutations, ClinicDayMutations, ScheduleMutations
):
    pass


@strawberry.type
class AppointmentQueries(SearchingQueries, BookingQueries, LineQueries, FeedQueries, DeskQueries, ScheduleQueries):
    pass
