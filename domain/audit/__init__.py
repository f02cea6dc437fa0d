"""The access log: one row a request, written in the transaction that reads. No log, no data.

`tables` what is kept; `reading` and `words` what a citizen sees of it; `disputes` what he says of it; `sealing` and
`verifying` the proof that nothing of it was changed, taken out or put in. FHIR AuditEvent, IHE BALP "Patient Read".
"""

from domain.audit.tables import AccessLog, DayRoot, LogSeal

__all__ = ["AccessLog", "DayRoot", "LogSeal"]
