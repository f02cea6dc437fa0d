"""The citizen's own log: who read his book, in plain words, and what he says of it. FHIR AuditEvent, IHE BALP."""

from api.access_log.disputing import AccessLogMutations
from api.access_log.reading import AccessLogField

__all__ = ["AccessLogField", "AccessLogMutations"]
