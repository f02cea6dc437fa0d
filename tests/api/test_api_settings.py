"""What an operator may say of the API, and what is refused at the start."""

import pytest

from api.settings import emergency_alarm
from domain.emergency_reviews import Alarm


@pytest.mark.parametrize(
    ("told", "alarm"), [({}, Alarm()), ("", Alarm()), ("5/20", Alarm(5, 20)), ("999999/1", Alarm(999_999, 1))]
)
def test_an_emergency_alarm_is_two_numbers(told, alarm):
    assert emergency_alarm({"HEALTHBOOK_EMERGENCY_ALARM": told} if isinstance(told, str) else told) == alarm


@pytest.mark.parametrize(
    "told", ["5", "5/", "/20", "0/20", "5/0", "-5/20", "5/20/1", "5 / 20", "٥/٢٠", "1000000/1", "x"]
)
def test_anything_else_stops_the_start(told):
    with pytest.raises(ValueError, match="HEALTHBOOK_EMERGENCY_ALARM"):
        emergency_alarm({"HEALTHBOOK_EMERGENCY_ALARM": told})
