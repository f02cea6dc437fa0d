"""What the worker counts, for Prometheus. Labels are words of ours: never an id, a person or an address."""

from prometheus_client import Counter, Gauge

JOBS = Counter(
    "healthbook_jobs_total", "Jobs by entrypoint and outcome: done, retried, parked.", ["entrypoint", "outcome"]
)
DELIVERIES = Counter(
    "healthbook_deliveries_total",
    "Messages by channel and outcome: accepted, gone, rejected, retry, expired, skipped.",
    ["channel", "outcome"],
)
OLDEST_JOB = Gauge("healthbook_oldest_job_seconds", "How long the oldest job that may run has waited.")
FAILED_JOBS = Gauge("healthbook_parked_jobs", "Jobs that are parked: see `healthbook jobs list`.")
LAG = Gauge("healthbook_delivery_lag_seconds", "How long the most overdue message has been due.")
