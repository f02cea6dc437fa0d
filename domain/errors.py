"""The errors of the book: a small tree of named classes, each with a stable code.

    HealthbookError
    ├── NotFound               absent, or not yours: the two look and take the same
    ├── InsufficientScope      the token does not reach so far (RFC 6750 3.1)
    ├── Unauthenticated        the grant behind the token has ended
    ├── StepUpRequired         a strong and fresh sign-in is needed first (RFC 9470)
    ├── Forbidden              the reader may see, but not decide
    ├── ConsentRequired        the token would, but nobody with the right to allow it has
    ├── TooExpensive           the query would cost more than one may
    ├── RateLimited            this minute's budget is spent
    ├── Invalid                an argument breaks a rule; says which and why
    └── Conflict               somebody was first; expected on a normal day
        └── Busy               the database is at its limit, try again shortly

`api/errors.py` maps them once to GraphQL codes and RFC 9457 problem details. Messages never contain
identifiers, clinical words or SQL.
"""


class HealthbookError(Exception):
    code = "INTERNAL"


class NotFound(HealthbookError):
    code = "NOT_FOUND"


class InsufficientScope(HealthbookError):
    code = "INSUFFICIENT_SCOPE"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.")
        self.scope = scope


class Unauthenticated(HealthbookError):
    code = "UNAUTHENTICATED"


class StepUpRequired(HealthbookError):
    """`acr` is what to ask for in acr_values, `max_age` in seconds."""

    code = "STEP_UP_REQUIRED"

    def __init__(self, *, acr: str, max_age: int) -> None:
        super().__init__("Sign in again, strongly, to do this.")
        self.acr = acr
        self.max_age = max_age


class Forbidden(HealthbookError):
    code = "FORBIDDEN"


class ConsentRequired(HealthbookError):
    code = "CONSENT_REQUIRED"


class TooExpensive(HealthbookError):
    """`cost` and `allowed` in units: about one value of the answer each."""

    code = "QUERY_TOO_EXPENSIVE"

    def __init__(self, cost: int, allowed: int) -> None:
        super().__init__(f"The query would cost {cost}; {allowed} are allowed. Ask for smaller pages or fewer fields.")
        self.cost = cost
        self.allowed = allowed


class RateLimited(HealthbookError):
    """Worth another try after `retry_after_s` seconds."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"This minute's budget is spent. Try again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s


class Invalid(HealthbookError):
    code = "INVALID"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Conflict(HealthbookError):
    code = "CONFLICT"


class Busy(Conflict):
    code = "BUSY"
