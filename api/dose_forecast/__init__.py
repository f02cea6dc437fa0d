"""Which vaccine doses are due: `doseForecast`, worked out from the sections that the caller may read."""

from api.dose_forecast.reading import DoseForecastQuery

__all__ = ["DoseForecastQuery"]
