"""`healthbook links`: whose book a received source is in, why, and putting it right."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
By = Annotated[str, typer.Option(help="Who decided: an account, never a citizen.")]
Reason = Annotated[str, typer.Option(help="Why, as a code or in words; no personal data.")]


@app.command()
def explain(source: Annotated[str, typer.Argument(help="The source's id, as an item's `sources` name it.")]) -> None:
    """Every patient the source was linked to, the oldest first: by which rule, for which reasons, until when."""
    from cli.operating import links

    links.explain(source)


@app.command()
def relink(
    source: Annotated[str, typer.Argument(help="The source's id.")],
    by: By,
    reason: Reason,
    patient: Annotated[str | None, typer.Option(help="Whose it is; a new patient unless told.")] = None,
) -> None:
    """Move a source, with its other versions, to the patient it is about; questions about it are answered."""
    from cli.operating import links

    links.relink(source, patient, by=by, reason=reason)


@app.command()
def unmerge(
    patient: Annotated[str, typer.Argument(help="The patient that was kept.")],
    lesser: Annotated[str, typer.Argument(help="The patient that was merged into him.")],
    by: By,
    reason: Reason,
) -> None:
    """Undo a merge: what it moved goes back, and the two are never joined again by a rule."""
    from cli.operating import links

    links.unmerge(patient, lesser, by=by, reason=reason)
