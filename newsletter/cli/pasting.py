"""The small sign-up form to paste into another site."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.context import PublicationOption, desk_of, examples
from newsletter.cli.output import note

if TYPE_CHECKING:
    from newsletter.app import Services
    from newsletter.editorial.models import Publication


def add_to(group: typer.Typer) -> None:
    """Add `form` to the commands of a publication."""
    group.command(
        epilog=examples(
            "newsletter publication form > sign-up.html",
            "newsletter publication form --language my",
        )
    )(form)


def form(
    ctx: typer.Context,
    publication: PublicationOption = None,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="CODE", help="Words in this language only."),
    ] = None,
) -> None:
    """Print a sign-up form, as HTML, to paste into another site.

    It asks for address and language, holds no script and fetches nothing.
    """
    from newsletter.core.errors import ConfigurationError
    from newsletter.core.settings import NOT_REACHABLE
    from newsletter.editorial import publications

    desk = desk_of(ctx)
    services = desk.services()
    if not services.settings.public.url:
        raise ConfigurationError(NOT_REACHABLE)
    with desk.reading() as session:
        made = html(services, publications.get(session, publication), language)
    sys.stdout.write(made + "\n")
    note(
        "Paste this where the form is to stand; whoever sends it comes to our page and presses "
        "once more there. Keep it off pages that hold third-party scripts: they can read addresses."
    )


def html(services: Services, publication: Publication, language: str | None) -> str:
    """The form in every language of the publication, or in one; InputError when it has it not."""
    from newsletter.core.errors import InputError
    from newsletter.editorial import edition_codes
    from newsletter.language.dates_digits import N_

    theme, spoken = services.theme, services.settings.languages
    codes = [code for code in publication.languages if code in spoken]
    if language is not None and language not in codes:
        raise InputError("language", f"there is no '{language}'; there are {', '.join(codes)}")
    shown = [language] if language else codes

    def words(text: str) -> list[tuple[str, str]]:
        return [(code, theme.words(code).gettext(text)) for code in shown]

    slug, query = publication.slug, f"?l={language}" if language else ""
    return theme.page(
        "web/pasted_form.html",
        shown[0],
        id=f"newsletter-{slug}",
        action=f"{services.settings.links_url}/s/{slug}{query}",
        address=words(N_("Email address")),
        language_label=words(N_("Language")),
        button=words(N_("Subscribe")),
        editions=[
            (edition, " + ".join(spoken[c].native for c in edition.split("+")), edition == shown[0])
            for edition in edition_codes.choices(codes)
        ],
    )
