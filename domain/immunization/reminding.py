"""Which doses of a forecast are worth a reminder."""

from datetime import date, timedelta

from domain.immunization.forecasting import Forecast, SeriesForecast
from domain.immunization.reasons import Status
from domain.immunization.schedules import NATIONAL

_OPEN = frozenset({Status.UPCOMING, Status.DUE, Status.OVERDUE})


def due_doses(forecast: Forecast, today: date, within_days: int) -> tuple[SeriesForecast, ...]:
    """Doses that are due or late on `today` or become due within so many days, the soonest first.

    Only of series that every province has: nobody is called for a vaccine that his station may not offer.
    """
    until = today + timedelta(days=within_days)
    found = [one for one in forecast.series if one.status in _OPEN and one.series.coverage == NATIONAL]
    dated = [(one.next.recommended_on, one) for one in found if one.next and one.next.recommended_on <= until]
    return tuple(one for _, one in sorted(dated, key=lambda pair: pair[0]))
