"""A rich bilingual issue of our own making, as the rooms above would hand it down."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime

from PIL import Image, ImageDraw

from newsletter.core import addresses, settings
from newsletter.core.resources import shipped
from newsletter.rendering.content import (
    Block,
    Footnote,
    Letter,
    Picture,
    ResourceGroup,
    ResourceLine,
)
from newsletter.rendering.environment import Theme
from newsletter.rendering.message import Recipient

_ENGLISH = """\
When the schoolhouse on the ridge could no longer be used, its teachers carried the blackboard \
down to the river and began again under a tarpaulin. They did not ask who would accredit the \
lessons. They asked which children had arrived that morning, and which were still on the road.[^1]

Across the hills the same decision has been taken in hundreds of villages. Lessons move with the \
families, at night if they must, and the timetable follows the rice harvest. **Nobody planned \
this system, and yet it holds.** It has teachers, examinations, and parents who keep the accounts \
on a sheet of paper nailed to a post.

## What the law already says

The right to education does not pause in an emergency. States that have joined the \
[Convention on the Rights of the Child](https://example.org/law/crc?article=28&part=1) owe it to \
every child in their territory, without discrimination, and those who hold power in fact are not \
free of it because they hold no office.[^2]

Three things would help at once:

- small grants paid directly to school committees, with reports they can write in their own \
language;
- recognition of the certificates these schools give, so that a child who crosses a border does \
not start again from nothing;
- an end to attacks on places of learning, and an honest record of each one.

None of this needs a new institution. It needs those who already give to trust those who already \
teach. A committee that has kept a school open through four rainy seasons has shown more than \
most applications can."""

_BURMESE = """\
တောင်ကုန်းပေါ်ရှိ စာသင်ကျောင်းကို ဆက်လက် အသုံးပြု၍ မရတော့သည့်အခါ ဆရာ ဆရာမများသည် \
ကျောက်သင်ပုန်းကို မြစ်ကမ်းသို့ သယ်ဆောင်ကာ မိုးကာအောက်တွင် စာသင်ခန်း ပြန်ဖွင့်ခဲ့ကြသည်။ \
မည်သူက အသိအမှတ်ပြုမည်နည်းဟု မမေးခဲ့ကြပါ။ ယနေ့နံနက် မည်သည့်ကလေးများ ရောက်လာသနည်း၊ \
မည်သည့်ကလေးများ လမ်းခရီးတွင် ရှိနေသေးသနည်းဟုသာ မေးခဲ့ကြသည်။[^1]

တောင်တန်းဒေသ တစ်လျှောက်ရှိ ရွာပေါင်း ရာနှင့်ချီ၍ ဤသို့ပင် ဆုံးဖြတ်ခဲ့ကြသည်။ စာသင်ချိန်များသည် \
မိသားစုများနှင့်အတူ ရွေ့ပြောင်းရပြီး လိုအပ်ပါက ညအချိန်တွင်ပင် သင်ကြားကြရသည်။ \
**ဤစနစ်ကို မည်သူမျှ ကြိုတင် မစီစဉ်ခဲ့သော်လည်း ယနေ့တိုင် ခိုင်မြဲလျက် ရှိသည်။** ဆရာများ ရှိသည်၊ \
စာမေးပွဲများ ရှိသည်၊ တိုင်တွင် ရိုက်ထားသော စာရွက်တစ်ရွက်ပေါ်၌ ငွေစာရင်း ရေးမှတ်သည့် မိဘများလည်း ရှိသည်။

## ဥပဒေက ပြဋ္ဌာန်းထားပြီး ဖြစ်သည်

ပညာသင်ကြားခွင့်သည် အရေးပေါ်အခြေအနေတွင် ရပ်ဆိုင်းသွားသည့် အခွင့်အရေး မဟုတ်ပါ။ \
[ကလေးသူငယ်အခွင့်အရေးများဆိုင်ရာ ကုလသမဂ္ဂ သဘောတူစာချုပ်](https://example.org/law/crc?article=28&part=1)တွင် \
ပါဝင်သော နိုင်ငံများသည် မိမိနယ်မြေအတွင်းရှိ ကလေးတိုင်းအပေါ် ခွဲခြားဆက်ဆံမှု မရှိဘဲ တာဝန်ရှိသည်။ \
လက်တွေ့ အာဏာ ကိုင်စွဲထားသူများသည်လည်း ရာထူး မရှိခြင်းကြောင့် ထိုတာဝန်မှ ကင်းလွတ်ခွင့် မရှိပါ။[^2]

အောက်ပါ အချက်သုံးချက်သည် ချက်ချင်း အထောက်အကူ ဖြစ်စေမည်–

- ကျောင်းကော်မတီများထံ တိုက်ရိုက်ပေးအပ်ပြီး မိမိတို့ဘာသာစကားဖြင့် အစီရင်ခံနိုင်သည့် ထောက်ပံ့ငွေ အသေးစားများ၊
- ကလေးတစ်ဦး နယ်စပ် ဖြတ်ကျော်သည့်အခါ အစမှ ပြန်စရန် မလိုစေရေးအတွက် ဤကျောင်းများ၏ \
အောင်လက်မှတ်များကို အသိအမှတ်ပြုခြင်း၊
- စာသင်ကျောင်းများကို တိုက်ခိုက်ခြင်း ရပ်တန့်ရန်နှင့် ဖြစ်ရပ်တိုင်းကို မှန်ကန်စွာ မှတ်တမ်းတင်ရန်။

ထိုအရာများအတွက် အဖွဲ့အစည်းသစ် မလိုအပ်ပါ။ ပေးကမ်းနေသူများက သင်ကြားနေသူများကို ယုံကြည်ရန်သာ \
လိုအပ်သည်။ မိုးရာသီ လေးကြိမ်တိုင် ကျောင်းကို ဖွင့်ထားနိုင်ခဲ့သော ကော်မတီတစ်ခုသည် မိမိတို့၏ \
စွမ်းရည်ကို သက်သေပြပြီး ဖြစ်သည်။"""


def _groups(language: str) -> tuple[ResourceGroup, ...]:
    my = language == "my"

    def line(english: str, burmese: str, path: str, byline: str) -> ResourceLine:
        title, own = (burmese, "my") if my and burmese else (english, "en")
        return ResourceLine(title, own, path and f"https://example.org/{path}", byline)

    return (
        ResourceGroup(
            "ထုတ်ပြန်ချက်များနှင့် သတင်းထုတ်ပြန်ချက်များ" if my else "Statements and Press Releases",
            (
                line(
                    "Joint statement on the protection of community schools",
                    "ရပ်ရွာကျောင်းများ ကာကွယ်ရေးဆိုင်ရာ ပူးတွဲထုတ်ပြန်ချက်",
                    "2023/joint-statement-schools",
                    "ဒေသခံပညာရေးကွန်ရက်" if my else "Local Education Network",
                ),
                line(
                    "Call for safe passage of medicine before the cold season",
                    "ဆောင်းရာသီမတိုင်မီ ဆေးဝါးများ ဘေးကင်းစွာ သယ်ယူခွင့်ပြုရန် တောင်းဆိုချက်",
                    "2023/safe-passage?lang=en&ref=weekly",
                    "Hill Clinics Coalition",
                ),
                line(
                    "Open letter to donors: pay small grants first",
                    "",
                    "",
                    "Riverside Teachers' Circle",
                ),
            ),
        ),
        ResourceGroup(
            "အစီရင်ခံစာများ" if my else "Reports",
            (
                line(
                    "Lessons on the move: schooling in three displaced townships",
                    "ရွေ့ပြောင်းစာသင်ခန်းများ – အိုးအိမ်စွန့်ခွာရသည့် မြို့နယ်သုံးခုရှိ ပညာရေးအခြေအနေ",
                    "reports/lessons-on-the-move.pdf",
                    "ဒေသခံပညာရေးကွန်ရက်" if my else "Local Education Network",
                ),
                line(
                    "Counting the closed doors: a year of attacks on clinics",
                    "",
                    "reports/closed-doors",
                    "Hill Clinics Coalition",
                ),
            ),
        ),
        ResourceGroup(
            "အကျဉ်းချုပ်စာတမ်းများ" if my else "Briefing papers",
            (
                line(
                    "How certificates can cross a border",
                    "အောင်လက်မှတ်များ နယ်စပ်ဖြတ်ကျော်၍ အသိအမှတ်ပြုခံရနိုင်ပုံ",
                    "papers/certificates",
                    "Lantern Law Desk",
                ),
            ),
        ),
    )


ENGLISH = Block(
    language="en",
    publication_name="Weekly Highlights",
    title="The Schools That Move at Night",
    authors=("May Thiri", "Saw Htoo"),
    reading_minutes=3,
    pull_quote="They did not ask who would accredit the lessons. They asked which children had "
    "arrived that morning.",
    body=_ENGLISH,
    footnotes=(
        Footnote("1", "The village is not named here, at the wish of its school committee."),
        Footnote("2", "See the commentary at https://example.org/law/note-12, part two."),
    ),
    groups=_groups("en"),
    about="Weekly Highlights is written by a small group of editors who collect what community "
    "organisations publish each week.\n\nMore at https://example.org/about.",
    postal_address="Weekly Highlights\nPO Box 12\n1000 Example Town",
    editorial_language="en",
)
BURMESE = Block(
    language="my",
    publication_name="အပတ်စဉ် သတင်းလွှာ",
    title="ညအခါ ရွေ့ပြောင်းရသော စာသင်ကျောင်းများ",
    authors=("မေသီရိ", "စောထူး"),
    reading_minutes=3,
    pull_quote="မည်သူက အသိအမှတ်ပြုမည်နည်းဟု မမေးခဲ့ကြပါ။ ယနေ့နံနက် မည်သည့်ကလေးများ ရောက်လာသနည်းဟုသာ မေးခဲ့ကြသည်။",
    body=_BURMESE,
    footnotes=(
        Footnote("1", "ကျောင်းကော်မတီ၏ ဆန္ဒအရ ရွာအမည်ကို ဖော်ပြခြင်း မပြုပါ။"),
        Footnote("2", "https://example.org/law/note-12 ပါ ရှင်းလင်းချက် ဒုတိယပိုင်းကို ကြည့်ပါ။"),
    ),
    groups=_groups("my"),
    about="ဤသတင်းလွှာကို ရပ်ရွာအခြေပြု အဖွဲ့အစည်းများ၏ အပတ်စဉ် ထုတ်ပြန်ချက်များအား စုစည်းသည့် "
    "အယ်ဒီတာအဖွဲ့ငယ်တစ်ခုက ရေးသားထုတ်ဝေသည်။",
    postal_address="စာတိုက်သေတ္တာ ၁၂\nExample Town 1000",
    editorial_language="my",
)


def picture() -> Picture:
    """A drawn landscape: hills, a river, a lamp."""
    image = Image.new("RGB", (1072, 520), "#1d4a52")
    draw = ImageDraw.Draw(image)
    for step, colour in enumerate(("#27616a", "#1a444b", "#12343a")):
        base = 240 + step * 80
        hills = [(x, base - (x * (step + 2) * 37 % 120)) for x in range(0, 1200, 134)]
        draw.polygon([(0, 520), *hills, (1072, 520)], fill=colour)
    draw.ellipse((760, 60, 850, 150), fill="#f0d9a8")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=70)
    alts = {
        "en": "Dark hills under a pale moon, drawn",
        "my": "လရောင်အောက်ရှိ တောင်တန်းများ ရေးဆွဲထားသည့်ပုံ",
    }
    return Picture("a1b2c3d4.jpg", file.getvalue(), "image/jpeg", 1072, 520, alts)


def letter(edition: str = "en+my", *, with_picture: bool = True) -> Letter:
    """The sample issue in one of its editions."""
    known = {"en": ENGLISH, "my": BURMESE}
    return Letter(
        edition=edition,
        publication_slug="weekly",
        number=12,
        date=date(2023, 11, 20),
        blocks=tuple(known[language] for language in edition.split("+")),
        picture=picture() if with_picture else None,
        sender_name="အပတ်စဉ် သတင်းလွှာ" if edition == "my" else "Weekly Highlights",
        sender_address="weekly@news.example.org",
        reply_to="editors@example.org",
        leave_address="leave@news.example.org",
        subject_prefix="",
        public_url="https://news.example.org",
    )


def with_many_resources(made: Letter, count: int) -> Letter:
    """The letter with `count` resources of usual length in every block."""
    blocks = []
    for block in made.blocks:
        lines = [line for group in block.groups for line in group.resources if line.url]
        many = tuple(lines[index % len(lines)] for index in range(count))
        thirds = [many[i::3] for i in range(3)]
        groups = tuple(
            replace(group, resources=lines)
            for group, lines in zip(block.groups, thirds, strict=True)
        )
        blocks.append(replace(block, groups=groups))
    return replace(made, blocks=tuple(blocks))


def theme() -> Theme:
    """The shipped templates, words and languages."""
    languages = settings.load(shipped("config").parent / "no-home", {}).languages
    return Theme((shipped("templates"),), (shipped("templates") / "locale",), languages)


def recipient(token: str = "v1.k1.reader", mark: str = "") -> Recipient:
    """A reader with links of their own."""
    return Recipient(
        address=addresses.parse("reader@example.net"),
        message_id=f"{token}@news.example.org",
        unsubscribe_url=f"https://news.example.org/u/{token}",
        preferences_url=f"https://news.example.org/p/{token}",
        leave_mailto=f"mailto:leave@news.example.org?subject=leave%20{token}",
        date=datetime(2023, 11, 20, 2, 30, tzinfo=UTC),
        subject_mark=mark,
    )
