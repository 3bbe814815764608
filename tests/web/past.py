"""Several past issues of a publication in both languages, as the archive shows them."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

from PIL import Image, ImageDraw
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.editorial import inbox, issues, pictures, publications
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import Status

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
TITLES = [
    ("The ferry at dawn", "မနက်ခင်း ကူးတို့"),
    ("Who pays for the bridge?", "တံတားအတွက် မည်သူက ပေးမည်နည်း"),
    ("A school under the tamarind tree", "မန်ကျည်းပင်အောက်က စာသင်ကျောင်း"),
    ("Seeds kept through the rains", "မိုးတွင်းတစ်လျှောက် ထိန်းသိမ်းထားသော မျိုးစေ့များ"),
]
_BODY = {
    "en": "The boat left before the light came.[^1] **Nobody** asked for tickets, and nobody was "
    "left on the bank.\n\n## What was carried\n\nRice, two goats, a box of chalk and a radio.",
    "my": "အလင်းမရောက်မီ လှေသည် ထွက်ခွာခဲ့သည်။[^1] လက်မှတ်ကို **မည်သူမျှ** မတောင်းခဲ့ဘဲ "
    "ကမ်းပေါ်တွင် ကျန်ရစ်ခဲ့သူလည်း မရှိပါ။\n\n## သယ်ဆောင်ခဲ့သည်များ\n\nဆန်၊ ဆိတ်နှစ်ကောင်၊ "
    "မြေဖြူတစ်ဘူးနှင့် ရေဒီယိုတစ်လုံး။",
}
_NOTE = {"en": "The crossing is not named here.", "my": "ကူးတို့ဆိပ်၏ အမည်ကို မဖော်ပြပါ။"}


def drawing(colour: str = "#1d4a52") -> bytes:
    """A drawn river under a moon."""
    image = Image.new("RGB", (1200, 600), colour)
    draw = ImageDraw.Draw(image)
    draw.polygon([(0, 600), (0, 380), (420, 240), (800, 420), (1200, 300), (1200, 600)], "#12343a")
    draw.ellipse((860, 80, 980, 200), fill="#f0d9a8")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def shelf(services: Services, count: int = 4) -> Publication:
    """A publication with so many issues that went out, a week apart, the first with a picture."""
    names = {"en": "Hill Country Letter", "my": "တောင်တန်းဒေသ စာစောင်"}
    wanted = publications.default().model_copy(update={"names": names})
    with writing(services.engine) as session:
        publication = publications.create(session, wanted, now=NOW)
        publications.set_value(session, publication, "about.en", "Letters from the hills.")
        publications.set_value(session, publication, "about.my", "တောင်တန်းများမှ ပေးစာများ။")
        for number in range(1, count + 1):
            _issue(session, publication, number)
        return publication


def _issue(session: Session, publication: Publication, number: int) -> Issue:
    day = date(2025, 12, 8) + timedelta(weeks=number)
    made = issues.create(session, publication, day=day, now=NOW)
    titles = TITLES[(number - 1) % len(TITLES)]
    for language, title in zip(("en", "my"), titles, strict=True):
        issues.set_editorial(
            session, made, language, title=title, body=_BODY[language], now=NOW,
            authors=["May Thiri" if language == "en" else "မေသီရိ"],
            footnotes=[{"mark": "1", "text": _NOTE[language]}],
        )  # fmt: skip
    made.resources.append(
        inbox.add(
            session, publication, byline="Lantern Law Desk",
            titles={"en": f"Certificates on the road {number}", "my": f"လမ်းပေါ်က အောင်လက်မှတ် {number}"},
            urls={"en": "https://example.org/c?a=1&b=2"},
            category=publications.category(publication, "reports"), published_on=day, now=NOW,
        )
    )  # fmt: skip
    if number == 1:
        alts = {"en": "A river under the moon", "my": "လရောင်အောက်ရှိ မြစ်"}
        issues.set_image(made, pictures.store(session, drawing()), alts, NOW)
    made.status = Status.SENT
    made.launched_at = datetime(2025, 12, 8, 2, 30, tzinfo=UTC) + timedelta(weeks=number)
    return made
