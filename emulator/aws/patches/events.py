"""EventBridge and its schedules: nothing happens unless a test says so."""
# ruff: noqa: SLF001 - another package's private names are its matter

from ministack.services import eventbridge, scheduler  # type: ignore[import-not-found]


def emit(source: str, kind: str, detail: str) -> None:
    """An event as a service of AWS sends it; from anybody else PutEvents refuses its source."""
    entry = {"Source": source, "DetailType": kind, "Detail": detail}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def install() -> None:
    """No schedule fires by the clock: ministack's reads no time zone, and a test fires by hand."""
    scheduler.start_scheduler = lambda: None
