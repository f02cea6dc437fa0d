"""`healthbook organizations`: the facilities that send and read."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)
Code = Annotated[str, typer.Argument(help="MA_CSKCB.")]


@app.command(name="list")
def list_(status: Annotated[str | None, typer.Option(help="Only active or suspended ones.")] = None) -> None:
    """Every facility: code, status, kind, name."""
    from cli.operating import organizations

    organizations.show_all(status)


@app.command()
def show(code: Code) -> None:
    """All that is known of one facility."""
    from cli.operating import organizations

    organizations.show(code)


@app.command()
def suspend(code: Code) -> None:
    """From the next request on nothing of this facility's clients is answered."""
    from cli.operating import organizations

    organizations.set_status(code, "suspended")


@app.command()
def activate(code: Code) -> None:
    """Let a suspended facility work again."""
    from cli.operating import organizations

    organizations.set_status(code, "active")


@app.command()
def save(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A JSON list.")],
) -> None:
    """Write the particulars of facilities by code: name, name_en, kind, province, commune, address."""
    from cli.operating import organizations

    organizations.save(file)
