"""`healthbook keys`: the keys that sign tokens, consent receipts and check-in passes."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.command(name="list")
def list_() -> None:
    """Every key: kid, use, state, since when. Never a private part."""
    from cli.operating import keys

    keys.show_all()


@app.command()
def rotate(use: Annotated[str, typer.Option(help="token, receipt or pass.")] = "token") -> None:
    """The next key signs from now on, the active one retires. Servers notice within a minute."""
    from cli.operating import keys

    keys.rotate(use)


@app.command()
def drop(kid: Annotated[str, typer.Argument(help="As `keys list` shows it.")]) -> None:
    """The emergency: this key is known to others. It signs nothing more, and the next one takes its place."""
    from cli.operating import keys

    keys.drop(kid)
