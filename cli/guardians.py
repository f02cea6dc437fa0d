"""`healthbook guardians`: parents, guardians and legal representatives, recorded by an operator with evidence."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
Evidence = Annotated[str, typer.Option(help="The document that shows it, and where it lies; no personal data.")]


@app.command()
def add(
    citizen: Annotated[str, typer.Option(help="Who shall act: the citizen's id.")],
    patient: Annotated[str, typer.Option(help="Whose book: the patient's id.")],
    kind: Annotated[str, typer.Option(help="parent, guardian or legal_representative.")],
    evidence: Evidence,
    born: Annotated[
        str | None, typer.Option(help="A minor's birth date, as exactly as known: the right ends by it.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="The last day of the right, such as 2027-01-31.")] = None,
    for_deceased: Annotated[
        bool, typer.Option("--for-deceased", help="The evidence is about a patient who died.")
    ] = False,
) -> None:
    """Give a citizen the right to act for a patient. Nobody else's right is touched; both are told."""
    from cli.operating import guardians

    guardians.add(citizen, patient, kind, evidence=evidence, born=born, until=until, for_deceased=for_deceased)


@app.command()
def end(
    right: Annotated[str, typer.Argument(help="The right's id, as `add` and `list` tell it.")], evidence: Evidence
) -> None:
    """End a right at once, with the delegations that its holder made; both sides are told."""
    from cli.operating import guardians

    guardians.end(right, evidence)


@app.command(name="list")
def list_(patient: Annotated[str, typer.Argument(help="The patient's id.")]) -> None:
    """Who may act for a patient: right, citizen, kind, until when."""
    from cli.operating import guardians

    guardians.show_all(patient)
