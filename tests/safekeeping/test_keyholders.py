"""Two keyholders are two people: not one name written twice, nor one passphrase told twice."""

from __future__ import annotations

import pytest

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.core.errors import InputError
from newsletter.safekeeping import keyholders


def test_one_person_cannot_be_two(services: Services) -> None:
    with writing(services.engine) as session:
        keyholders.add(session, "Aye", "rain on the tin roof", "test", now())
        with pytest.raises(InputError, match="is a keyholder already"):
            keyholders.add(session, "AYE ", "another six words of hers", "test", now())
        with pytest.raises(InputError, match="another keyholder has this one"):
            keyholders.add(session, "Ko Ko", "rain on the tin roof", "test", now())
        assert keyholders.agrees(session, "aye", "rain on the tin roof")
        assert keyholders.names(session) == ["Aye"]
