"""Where `verify` may write: no two results into one file, and none over what it is to judge or to believe."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from personactl.cli.judging import Request


def check_outputs(request: Request, paths: Sequence[str], receipt: Path | None) -> None:
    """Raises click.UsageError. Reports may replace earlier ones; a delivered picture is never taken for one."""
    written: dict[str, str] = {}
    for name, place in _outputs(request):
        real = os.path.realpath(place)
        if os.path.isfile(real) or not os.path.exists(real):  # noqa: PTH110, PTH113 - devices may be named twice
            if real in written:
                raise click.UsageError(f"{written[real]} and {name} name the same file: {place}")
            written[real] = name
    read = (*paths, *request.trust_files, *request.trust_lists, *request.tsa_lists, request.ledger, receipt,
            request.report_key)  # fmt: skip
    for source in read:
        if source is not None and (real := os.path.realpath(source)) in written:
            raise click.UsageError(f"{written[real]} would overwrite what is to be read: {source}")
    from personactl.verify.opening import begins_as_picture
    from personactl.verify.walking import RECEIPT_SUFFIX

    for real, name in written.items():
        if begins_as_picture(real):
            raise click.UsageError(f"{name} would overwrite a picture: {real}")
        if real.endswith(RECEIPT_SUFFIX):
            raise click.UsageError(f"{name} would stand where a receipt belongs: {real}")


def _outputs(request: Request) -> Iterator[tuple[str, Path]]:
    yield from ((f"--report {kind}", place) for kind, place in request.reports)
    if request.events is not None:
        yield "--events", request.events
