"""`healthbook audit`: the access log sealed, proved, and disputed."""

from datetime import datetime
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
disputes = typer.Typer(no_args_is_help=True, help="What citizens say was not right.")
app.add_typer(disputes, name="disputes")


@app.command()
def seal() -> None:
    """Seal what the log holds up to half a minute ago, and sign the days that are over. The worker does it too."""
    from cli.operating import audit

    audit.seal()


@app.command()
def verify(
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, as counted in Vietnam.")
    ] = None,
) -> None:
    """Compute every seal, and every history of consents, again from the rows. Exit code 1 where one does not hold; the
    first break is named.
    """
    from cli.operating import audit

    raise typer.Exit(audit.verify(since.date() if since else None))


@app.command()
def roots(after: Annotated[str, typer.Option(help="Only days after this one, YYYY-MM-DD.")] = "") -> None:
    """The signed ends of days, a JSON object a line, as /audit/roots publishes them. Keep them elsewhere."""
    from cli.operating import audit

    audit.show_roots(after)


@disputes.command(name="list")
def list_(
    status: Annotated[str, typer.Option(help="open, explained or upheld.")] = "open",
    first: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
) -> None:
    """Disputes, the oldest first, with what the log has of their entries."""
    from cli.operating import audit

    audit.show_disputes(status, first)


@disputes.command()
def answer(
    dispute: Annotated[str, typer.Argument(help="The dispute's id, as `list` tells it.")],
    outcome: Annotated[str, typer.Argument(help="explained (the access was right) or upheld (it was wrong).")],
) -> None:
    """Answer an open dispute. The citizen is told, and sees it in his log."""
    from cli.operating import audit

    audit.answer(dispute, outcome)
