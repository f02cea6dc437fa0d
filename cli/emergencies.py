"""`healthbook emergencies`: books that were opened without consent, until somebody looked at each of them."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command(name="list")
def list_(first: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50) -> None:
    """What waits for a review, the oldest first; LATE where it has waited for more than a day."""
    from cli.operating import emergencies

    emergencies.show_waiting(first)


@app.command()
def review(
    emergency: Annotated[str, typer.Argument(help="The emergency's id, as `list` tells it.")],
    outcome: Annotated[str, typer.Argument(help="justified or unjustified.")],
    by: Annotated[str, typer.Option(help="Who looked at it.")],
) -> None:
    """Say once what an emergency was. The citizen is told."""
    from cli.operating import emergencies

    emergencies.review(emergency, outcome, by=by)
