"""`tetrad label CODE`: QR labels of registered codes, one or a file full of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identity.errors import MalformedInput, TetradError
from resolver.cli.frame import REFUSED, Frame, read_input, verb, write_output
from resolver.cli.progress import Progress

if TYPE_CHECKING:
    from resolver.client import Client
    from resolver.labels import Drawing

_MAX_LINES = 100_000


@click.command(short_help="Draw the label of CODE: a QR symbol, SVG or PNG.")
@click.argument("code", required=False)
@verb(
    click.option("--scheme", help="The scheme of the code, where it is not plain."),
    click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The file, .svg or .png.  [default: SVG on the standard output]",
    ),
    click.option("--format", "form", type=click.Choice(["svg", "png"]), help="If no name says it."),
    click.option(
        "--level",
        type=click.Choice(["l", "m", "q", "h"]),
        default="m",
        show_default=True,
        help="Of error correction.",
    ),
    click.option(
        "--scale",
        type=click.IntRange(1, 32),
        default=8,
        show_default=True,
        help="Pixels of a module of a PNG.",
    ),
    click.option(
        "--address", metavar="URL", help="The resolver's address on the label.  [default: --url]"
    ),
    click.option("--from", "source", metavar="FILE", help="A code in each line; - is the input."),
    click.option(
        "--out-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="The folder for the labels of --from.",
    ),
)
def label(
    frame: Frame,
    code: str | None,
    *,
    scheme: str | None,
    out: Path | None,
    form: str | None,
    level: str,
    scale: int,
    address: str | None,
    source: str | None,
    out_dir: Path | None,
) -> None:
    """Draw the label of CODE, which must be a device's: that is resolved and proved first.

    The symbol says a GS1 Digital Link on the resolver's host, an identification link (IEC 61406) as
    it is, and for other schemes the resolver's /c/SCHEME/VALUE. With --from and --out-dir a label
    is drawn for each line of a file; lines that are refused are named, and stop no others.
    """
    from resolver.labels import Drawing

    if (code is None) == (source is None) or (source is None) != (out_dir is None):
        raise click.UsageError("name a code, or --from FILE with --out-dir DIR")
    named = out.suffix[1:].lower() if out else None
    if out is not None and named not in ("svg", "png") and form is None:
        raise click.UsageError(f"{out} is neither .svg nor .png: say --format")
    drawing = Drawing((form or named or "svg"), level, scale)  # type: ignore[arg-type] # a Choice
    with frame.reading() as client:
        base = address or frame.url
        if source is not None and out_dir is not None:
            _batch(frame, client, source, out_dir, scheme=scheme, base=base, drawing=drawing)
            return
        data, said = _label(client, code or "", scheme=scheme, base=base, drawing=drawing)
    if out is not None:
        write_output(out, data)
        frame.show(
            {**said, "out": str(out)},
            f"✓ {said['code']}, registered and proved",
            f"✓ {out} says {said['url']}",
        )
    elif frame.as_json or (drawing.format == "png" and sys.stdout.isatty()):
        raise click.UsageError("name the file: --out FILE")
    else:
        sys.stdout.buffer.write(data)


def _label(
    client: Client, code: str, *, scheme: str | None, base: str, drawing: Drawing
) -> tuple[bytes, dict[str, Any]]:
    """A label, and what it is of. Raises Gone for a device that has ended, NotFound for a code that
    was corrected."""
    from resolver.labels import check_current, drawn, printed_url, readable
    from resolver.schemes import SCHEMES

    read = SCHEMES.read(code, scheme)
    if SCHEMES.is_committed(read.scheme):
        raise MalformedInput(
            f"a code of {read.scheme} is not for a label that anybody can scan",
            hint="it shows a person or a radio, and stands in no URL",
        )
    found = client.resolve(read.value, scheme=read.scheme)
    check_current(read, found.device)
    url = printed_url(base, read)
    said = {"scheme": read.scheme, "code": read.value, "did": found.did, "url": url}
    return drawn(url, readable(read), drawing), said


def _batch(
    frame: Frame,
    client: Client,
    source: str,
    folder: Path,
    *,
    scheme: str | None,
    base: str,
    drawing: Drawing,
) -> None:
    text = read_input(source).decode("utf-8", "replace")
    codes = [(n, line.strip()) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(codes) > _MAX_LINES:
        raise MalformedInput(f"{len(codes)} codes; at most {_MAX_LINES} at a time")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise MalformedInput(f"{folder} cannot be made: {failure.strerror}") from None
    progress, drawn, refused = Progress("labels"), [], []
    for done, (place, code) in enumerate(codes, 1):
        try:
            data, said = _label(client, code, scheme=scheme, base=base, drawing=drawing)
        except TetradError as error:
            refused.append({"line": place, **error.problem()})
        else:
            path = folder / f"{place:05}-{_file_name(said['code'])}.{drawing.format}"
            write_output(path, data)
            drawn.append({"line": place, **said, "out": str(path)})
        progress(done, len(codes))
    lines = [f"✓ {len(drawn)} label{'s' * (len(drawn) != 1)} in {folder}"]
    lines += [f"✗ line {one['line']}: {one['detail']}  [{one['code']}]" for one in refused]
    frame.show({"labels": drawn, "refused": refused}, *lines)
    if refused:
        raise click.exceptions.Exit(REFUSED)


def _file_name(code: str) -> str:
    """A name that any file system takes; the line number beside it makes it one of its kind."""
    bare = code.removeprefix("https://id.gs1.org/")
    return re.sub(r"[^A-Za-z0-9-]+", "_", bare)[:80]
