"""A weekly post in the form in which editors copy it from a web page; every word is ours."""

from __future__ import annotations

from pathlib import Path

from tests.cli.command import Command

POST = """\
Who Carries the Water

November 20th, 2023  •  Author:   Borderland Desk  •  4 minute read
Featured image

“A well that belongs to everybody is guarded by everybody.”

In the dry villages along the river the day begins with a queue.

The committees ask for pipes and not for speeches.[1] What they were promised has not come.



[1] The committees are elected by the households that drink from a well.

Resources from the past week


Statements and Press Releases

Open letter: let the relief boats pass

By Twelve Village Committees

ပွင့်လင်းသော ပေးစာ - ကယ်ဆယ်ရေးလှေများကို ဖြတ်သန်းခွင့်ပြုပါ

By Twelve Village Committees

Reports

Wells and Walls: A Survey of Forty Villages

By River Watch

The Borderland Desk is a small group of writers and translators who publish each Monday.
"""

BURMESE = """\
+++
date = 2023-11-20
[editions.my]
title = "ရေကို မည်သူ သယ်ဆောင်သနည်း"
authors = ["နယ်စပ်သတင်းဌာန"]
+++ my
မြစ်ကမ်းတစ်လျှောက်ရှိ ခြောက်သွေ့သော ကျေးရွာများတွင် နေ့စဉ် ရေတန်းစီခြင်းဖြင့် စတင်ကြသည်။

ကော်မတီများသည် မိန့်ခွန်းများကို မဟုတ်ဘဲ ပိုက်များကိုသာ တောင်းခံကြသည်။
"""


def files(directory: Path) -> tuple[Path, Path]:
    """The post, and the issue file of its translation."""
    post, burmese = directory / "post.txt", directory / "burmese.md"
    post.write_text(POST, encoding="utf-8")
    burmese.write_text(BURMESE, encoding="utf-8")
    return post, burmese


def approved(newsletter: Command, directory: Path) -> None:
    """A home with issue 1, approved in both languages."""
    post, burmese = files(directory)
    newsletter.ok("init", "--yes", "--sender", "desk@example.org", "--postal", "12 Sample Street")
    newsletter.ok("import", post)
    newsletter.ok("import", burmese, "--issue", 1)
    newsletter.ok("approve", 1)
