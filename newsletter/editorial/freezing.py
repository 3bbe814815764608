"""The hash that approval freezes: everything a reader of the issue would see."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from newsletter.editorial import own_templates
from newsletter.editorial.models import Editorial, Issue, Publication, Resource
from newsletter.editorial.ordering import by_category


def content_hash(issue: Issue) -> str:
    """SHA-256, in hex, over what readers would see of the issue.

    Covers the editorials, the resources with their order and headings, number, date, the image
    (its name is the hash of its bytes), the publication's names, sender, boilerplate, languages,
    colours and logo, and the templates an operator put in place of ours. Not the times of
    changes, the week, or anything readers never meet.
    """
    seen = {
        "number": issue.number,
        "date": issue.date.isoformat(),
        "image": [issue.image_name, issue.image_alts if issue.image_name else {}],
        "editorials": {e.language: _editorial(e) for e in issue.editorials},
        "resources": [
            [category.names if category else None, [_resource(r) for r in members]]
            for category, members in by_category(issue.resources)
        ],
        "publication": _publication(issue.publication),
    }
    # Only what is set: an issue approved before there were such things stays approved.
    seen |= {name: told for name, told in _looks(issue).items() if told}
    text = json.dumps(seen, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _editorial(editorial: Editorial) -> list[Any]:
    return [
        editorial.title,
        editorial.authors,
        editorial.reading_minutes,
        editorial.pull_quote,
        editorial.body,
        editorial.footnotes,
        editorial.about,
    ]


def _resource(resource: Resource) -> list[Any]:
    return [resource.titles, resource.urls, resource.byline]


def _looks(issue: Issue) -> dict[str, Any]:
    publication = issue.publication
    return {
        "discreet": _discreet(publication),
        "theme": publication.theme,
        "logo": publication.logo_name and [publication.logo_name, publication.logo_alts],
        "templates": own_templates.of(issue),
        "hosted_images": publication.hosted_images,
    }


def _discreet(publication: Publication) -> dict[str, Any]:
    """How its discreet edition shows itself; who signs it and where it bounces to is not seen."""
    unseen = ("dkim_selector", "dkim_key_path", "bounce_address")
    return {key: told for key, told in publication.discreet.items() if key not in unseen}


def _publication(publication: Publication) -> list[Any]:
    return [
        publication.slug,
        publication.names,
        publication.languages,
        publication.sender_address,
        publication.sender_names,
        publication.reply_to,
        publication.leave_address,
        publication.subject_prefixes,
        publication.about,
        publication.postal_addresses,
        publication.fallback_language,
    ]
