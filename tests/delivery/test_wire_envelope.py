"""H18: the envelope of each message names its delivery, on the domain of From, and nobody else."""

from __future__ import annotations

import re
from dataclasses import replace

from newsletter.app import Services
from newsletter.providers.memory import MemoryProvider
from tests.delivery import newsroom


def test_h18_each_envelope_has_a_return_path_of_its_own_on_the_senders_domain(
    services: Services,
) -> None:
    bounces = services.settings.bounces.model_copy(update={"address": "bounces@news.example"})
    settings = services.settings.model_copy(update={"bounces": bounces})
    marked = replace(services, settings=settings)
    newsroom.start(marked, newsroom.publish(marked, 5))
    newsroom.work_off(marked)
    provider = marked.provider
    assert isinstance(provider, MemoryProvider)
    assert len({sent.sender for sent in provider.messages}) == 5
    for sent in provider.messages:
        assert re.fullmatch(r"bounces\+[0-9a-f]{32}@news\.example", sent.sender)
        written = re.search(rb"(?m)^From: (?:.*\r\n )*.*@([^>\r]+)>\r\n", sent.data)
        assert written is not None
        assert sent.sender.rpartition("@")[2] == written[1].decode()
        to = re.findall(rb"(?m)^To: ([^\r]*)\r\n", sent.data)
        assert [address.decode() for address in to] == [sent.recipient.text]
        assert sent.sender.partition("+")[2][:32].encode() not in sent.data
