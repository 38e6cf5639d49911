"""`tetrad completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_WHERE = {
    "bash": 'eval "$(tetrad completion bash)"        in ~/.bashrc',
    "zsh": 'eval "$(tetrad completion zsh)"         in ~/.zshrc',
    "fish": "tetrad completion fish | source         in ~/.config/fish/config.fish",
}


@click.command(epilog="\b\n" + "\n".join(_WHERE.values()))
@click.argument("shell", type=click.Choice(list(_WHERE)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes tetrad's commands in SHELL."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(found(ctx.find_root().command, {}, "tetrad", "_TETRAD_COMPLETE").source())
