"""Pre-flight: everything that stands between an issue and its readers, edition by edition.

Made from the very messages that would leave. Nothing is fetched: of links it counts what was
found when they were last tried (editorial.preflight.link_round, outside of any transaction).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.clock import now
from newsletter.core.errors import (
    ConfigurationError,
    InputError,
    NewsletterError,
    NotAllowedNow,
    RenderError,
)
from newsletter.core.settings import Settings
from newsletter.delivery import press, readiness
from newsletter.delivery.needs import Needs
from newsletter.delivery.press import Press, Sheet
from newsletter.editorial.checks import Problem, in_rank
from newsletter.editorial.editions import editions_of
from newsletter.editorial.models import Conversion, Issue, Publication
from newsletter.editorial.preflight import (
    blocked,
    link_checks,
    link_states,
    links,
    mail_features,
    pages,
    promised,
    sizes,
    subjects,
    texts,
    wire,
)
from newsletter.editorial.preflight.lookalikes import suspicion
from newsletter.editorial.states import Status
from newsletter.rendering.edition import hosted_addresses
from newsletter.rendering.look import require_readable
from subscribers.audience import editions_wanted

TEXT_ONLY = "text-only"
DISCREET = "discreet"
_FROZEN = frozenset({Status.APPROVED, Status.SCHEDULED, Status.HELD})


@dataclass(frozen=True, slots=True)
class Edition:
    """The list of one edition (`en`, `my`, `en+my`, `text-only`, `discreet`) and its figures."""

    name: str
    problems: tuple[Problem, ...]
    subjects: tuple[str, ...] = ()
    size: sizes.Size | None = None
    """The larger of its messages' HTML; none for what has no HTML, or could not be made."""
    text_bytes: int = 0

    @property
    def ready(self) -> bool:
        """Whether nothing stops it."""
        return all(problem.level != "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class LinkFound:
    """A link of the issue, what became of it, and whether its site is known to be blocked."""

    link: links.Link
    tried: link_states.Tried | None
    blocked: blocked.BlockedSite | None


@dataclass(frozen=True, slots=True)
class Report:
    """All lists, and all links."""

    editions: tuple[Edition, ...]
    links: tuple[LinkFound, ...]

    @property
    def problems(self) -> list[Problem]:
        """Each problem once, in whatever editions it stands; errors first."""
        return in_rank(dict.fromkeys(p for one in self.editions for p in one.problems))

    @property
    def common(self) -> list[Problem]:
        """What stands in the list of every edition."""
        first, *others = self.editions
        return [p for p in first.problems if all(p in other.problems for other in others)]

    @property
    def ready(self) -> bool:
        """Whether the issue may be approved."""
        return all(edition.ready for edition in self.editions)


def report(needs: Needs, session: Session, issue: Issue, at: datetime) -> Report:
    """Look at an issue in every edition that can be asked for; changes and fetches nothing.

    For the command, the web pages, the approval and the launch alike. InputError when the
    operator's own list of blocked sites cannot be read.
    """
    publication = issue.publication
    there = links.links_of(issue, publication)
    tried = link_checks.known(session, [link.url for link in there])
    sites = blocked.load(needs.settings.home)
    rows = readiness.problems(session, issue, needs.settings.languages)
    common = [
        *rows,
        *_standing(publication, needs.settings),
        *texts.judge(texts.texts_of(issue, publication), _settled(session, publication)),
        *links.judge(there),
        *link_states.judge(
            there,
            tried,
            sites,
            number=issue.number,
            approved=issue.status in _FROZEN,
            now=at,
        ),
    ]
    wanted = [*editions_of(publication), *editions_wanted(session, publication.id, at)]
    editions = _editions(needs, issue, list(dict.fromkeys(wanted)), common, at)
    found = (LinkFound(link, tried.get(link.url), blocked.known(link.url, sites)) for link in there)
    return Report(tuple(editions), tuple(found))


def require_ready(needs: Needs, session: Session, issue: Issue) -> None:
    """To be called before an issue is launched: the same look, and the same refusal.

    NotAllowedNow names every error, ConfigurationError what keeps readers from reaching us.
    """
    press.proof(needs, session, issue)
    errors = [p for p in report(needs, session, issue, now()).problems if p.level == "error"]
    if errors:
        raise NotAllowedNow("; ".join(f"{p.place}: {p.text}" for p in errors))


def _settled(session: Session, publication: Publication) -> frozenset[str]:
    """Texts whose encoding an editor was asked about: told elsewhere, or answered."""
    wanted = select(Conversion.original).where(
        Conversion.publication_id == publication.id, Conversion.state.in_(("asked", "kept"))
    )
    return frozenset(session.scalars(wanted))


def _standing(publication: Publication, settings: Settings) -> Iterator[Problem]:
    """What concerns every issue of the publication."""
    try:
        require_readable(publication.theme)
    except InputError as err:
        remedy = f"run 'newsletter publication set {err.field} …'"
        yield Problem("error", "theme", err.message, remedy, "contrast")
    for setting, address in (
        ("sender.address", publication.sender_address),
        ("reply_to", publication.reply_to or ""),
    ):
        if why := suspicion(address.rpartition("@")[2]):
            remedy = f"look at it letter by letter; 'newsletter publication set {setting} …'"
            text = f"the domain of {setting} {why}"
            yield Problem("warning", "publication", text, remedy, "link addresses")
    if settings.public.shortcoming and settings.public.url.startswith("http:"):
        text, _, remedy = settings.public.shortcoming[1].partition(": set ")
        yield Problem("warning", "public address", text, f"set {remedy}", "way out")


@dataclass(slots=True)
class _Made:
    """The messages of one code in one form, and what was found in them."""

    code: str
    problems: list[Problem]
    sheet: Sheet | None = None
    subject: str = ""
    size: sizes.Size | None = None
    text_bytes: int = 0


def _editions(
    needs: Needs, issue: Issue, codes: Sequence[str], common: Sequence[Problem], at: datetime
) -> Iterator[Edition]:
    https = needs.settings.links_url.startswith("https:")
    known_bad = any(problem.level == "error" for problem in common)
    sheets = [_print(needs, issue, code, known_bad=known_bad) for code in codes]
    look = partial(_look, at=at, https=https)
    for made in sheets:
        whole = look(made, made.sheet)
        yield _edition(made.code, common, [whole], made.code.split("+"))
    if ready := [made for made in sheets if made.sheet]:
        alone = [look(_Made(made.code, []), made.sheet, text_only=True) for made in ready]
        yield _edition(TEXT_ONLY, common, alone)
    hidden = [(made.code, made.sheet.discreet) for made in ready if made.sheet]
    if discreet := [(code, sheet) for code, sheet in hidden if sheet]:
        those = [look(_Made(code, []), sheet, dull=True) for code, sheet in discreet]
        yield _edition(DISCREET, common, those)


def _edition(
    name: str, common: Sequence[Problem], made: Sequence[_Made], parts: Sequence[str] | None = None
) -> Edition:
    """The list of one edition: what is common to its languages, and what its messages have."""
    mine = [p for p in common if parts is None or p.language is None or p.language in parts]
    own = [_named(p, one.code) if len(made) > 1 else p for one in made for p in one.problems]
    measured = [one.size for one in made if one.size]
    return Edition(
        name,
        tuple(in_rank(dict.fromkeys([*mine, *own]))),
        tuple(one.subject for one in made if one.subject),
        max(measured, key=lambda size: size.encoded, default=None),
        max((one.text_bytes for one in made), default=0),
    )


def _named(problem: Problem, code: str) -> Problem:
    return Problem(
        problem.level,
        f"{problem.place} of {code}",
        problem.text,
        problem.remedy,
        problem.check,
        problem.language,
    )


def _print(needs: Needs, issue: Issue, code: str, *, known_bad: bool) -> _Made:
    try:
        return _Made(code, [], Press(needs).print(issue, code))
    except NewsletterError as err:
        # What is missing is told already, by those who looked at the rows.
        told = known_bad and not isinstance(err, RenderError | ConfigurationError)
        return _Made(code, [] if told else [_cannot(code, err)])


def _cannot(code: str, err: NewsletterError) -> Problem:
    remedies = {
        RenderError: "mend the template, or take it out of the home's templates",
        ConfigurationError: "run 'newsletter doctor'",
    }
    remedy = next((says for kind, says in remedies.items() if isinstance(err, kind)), "mend that")
    return Problem("error", f"edition {code}", f"it cannot be made: {err}", remedy, "message")


def _look(
    made: _Made,
    sheet: Sheet | None,
    *,
    at: datetime,
    https: bool,
    text_only: bool = False,
    dull: bool = False,
) -> _Made:
    """Build the message as for a reader, take it apart again, and judge what came out.

    A `dull` one has a subject and a beginning that are meant to tell nothing.
    """
    if sheet is None:
        return made
    try:
        message = sheet.envelope(
            delivery_id=0,
            address=press.SAMPLE,
            public_id=UUID(int=0),
            date=at,
            text_only=text_only,
        ).data
    except NewsletterError as err:
        made.problems.append(_cannot(made.code, err))
        return made
    owed = _owed(sheet, message)
    text = wire.text_part(message, "text/plain")
    made.subject, made.text_bytes = sheet.template.subject, len(text.encode())
    made.problems += [*wire.judge(message, https=https), *promised.of_text(text, owed)]
    if not text_only:
        page = pages.read(html := wire.text_part(message, "text/html"))
        made.problems += [] if dull else _of_list(sheet, page)
        made.problems += _of_html(made, sheet, html, page, owed)
    return made


def _of_list(sheet: Sheet, page: pages.Page) -> Iterable[Problem]:
    """What a list of mails shows of it."""
    letter = sheet.letter
    return subjects.judge(
        sheet.template.subject,
        page.hidden,
        letter.blocks[0].title,
        letter.language,
        letter.sender_name,
    )


def _of_html(
    made: _Made, sheet: Sheet, html: str, page: pages.Page, owed: promised.Owed
) -> Iterable[Problem]:
    made.size = sizes.Size(len(html.encode()), sizes.encoded_size(html))
    yield from promised.of_page(page, html, owed)
    yield from mail_features.judge(page, mail_features.clients())
    yield from sizes.gauge(sheet.letter, made.size)


def _owed(sheet: Sheet, message: bytes) -> promised.Owed:
    head = wire.headers(message.partition(b"\r\n\r\n")[0])
    leave = next((one.value for one in head if one.name.lower() == "list-unsubscribe"), "")
    addresses = [block.postal_address for block in sheet.letter.blocks if block.postal_address]
    return promised.Owed(
        leave.partition(">")[0].strip(" <"), addresses, hosted_addresses(sheet.letter)
    )
