"""Whether Burmese is written as Unicode means it: the grammar of an orthographic syllable.

Order of the parts as in UTN 11, "Representing Myanmar in Unicode": base with what is stacked
below it, medials ya ra wa ha, vowel e, upper vowel, lower vowel, aa, anusvara, dot, visarga; the
asat stands with the consonant that it kills, and dot below precedes it (NFC).
"""

from __future__ import annotations

import re

_BASE = "[\u1000-\u1021\u1025\u103f]"
_STACKS = {
    "\u1000": "\u1000\u1001",
    "\u1002": "\u1002\u1003",
    "\u1005": "\u1005\u1006",
    "\u1007": "\u1007\u1008",
    "\u1009\u1025": "\u1005\u1006\u1007\u1008",
    "\u100b": "\u100b\u100c",
    "\u100d": "\u100d\u100e",
    "\u100f": "\u100b\u100c\u100d\u100e\u100f",
    "\u1010": "\u1010\u1011\u1019",
    "\u1012": "\u1012\u1013\u1019",
    "\u1014": "\u1010\u1011\u1012\u1013\u1014",
    "\u1015": "\u1015\u1016",
    "\u1017": "\u1017\u1018",
    "\u1019": "\u1015\u1016\u1017\u1018\u1019",
    "\u101a": "\u101a",
    "\u101c": "\u101c",
    "\u101e": "\u1010\u1011\u1019\u101e",
    "\u101f": "\u1019",
    "\u1020": "\u1020",
}
"""Which letter may hang under which: words from Pali and Sanskrit have no others."""

_STACK = "|".join(f"[{over}]\u1039[{under}]" for over, under in _STACKS.items())
_STACKED = f"(?:[\u1004\u101b]\u103a\u1039)?(?:{_STACK}|{_BASE})"
_CONTRACTED = "(?:\u1000\u103a\u103b\u102c|\u1014\u103a\u102f)"
"""ယောက်ျား and ကျွန်ုပ်: a final, and at once the rime of a syllable that is not written."""

_MEDIALS = "\u103b?\u103c?\u103d?\u103e?"
_VOWELS = "(?:\u1031[\u102b\u102c]?|[\u102b\u102c]|\u1032|[\u102d\u102e]?[\u102f\u1030]?)"
_ANUSVARA = "[\u102d\u102e]?[\u102f\u1030]?\u1036"
_RHYME = f"(?:{_ANUSVARA}|{_VOWELS}(?:\u1037?\u103a)?)\u1037?\u1038?"
_FINAL = f"(?:{_CONTRACTED}|{_BASE}[\u103b\u103e]?\u1037?\u103a(?!\u1039))[\u1037\u1038]*"
_VOWEL_LETTER = "[\u1023\u1024\u1026-\u102a]\u102c?\u103a?[\u1036-\u1038]*"
_SIGN = "[\u104c-\u104f]"
# Nothing is given back, so that long runs take linear time. By atomic groups, because Python before
# 3.11.5 matches a possessive repeat of a group wrongly (CPython issue 106052).
_FINALS = f"(?>(?:{_FINAL}(?!\u1039))*)"
_SYLLABLE = f"(?:{_STACKED}{_MEDIALS}{_RHYME}|{_VOWEL_LETTER}|{_SIGN}){_FINALS}"
_NUMBER = "(?>[\u1040-\u1049]+)[\u1037\u1038]?"
_TOKEN = re.compile(f"(?>(?:(?>(?:{_SYLLABLE})+)|{_NUMBER}|[\u104a\u104b])+)")
_RIME = re.compile(f"{_MEDIALS}(?:{_ANUSVARA}|{_VOWELS})\u1037?\u1038?")
_RUN = re.compile("[\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]+")
_NOT_BURMESE = re.compile("[\u1022\u1028\u1033-\u1035\u1050-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]")
_OF_ZAWGYI = re.compile("[\u1033\u1034\u105a\u1060-\u1097]")


def well_formed(text: str) -> bool:
    """Whether all the Burmese in a text follows the grammar; true for a text without any.

    Letters of Shan, Mon, Karen and Pa'O do not: the grammar is that of Burmese alone.
    """
    return all(_TOKEN.fullmatch(run) for run in _RUN.findall(text))


def holds_other_letters(text: str) -> bool:
    """Whether a text holds letters of the script that Burmese does not use.

    In Unicode they are those of Mon, Karen, Shan, Pa'O and others; some of them Zawgyi uses for
    forms of Burmese letters.
    """
    return _NOT_BURMESE.search(text) is not None


def holds_letters_of_zawgyi(text: str) -> bool:
    """Whether a text holds one of the code points to which Zawgyi gave another meaning."""
    return _OF_ZAWGYI.search(text) is not None


def is_rime(marks: str) -> bool:
    """Whether marks are such, and in such an order, as follow one consonant in Burmese."""
    return _RIME.fullmatch(marks) is not None
