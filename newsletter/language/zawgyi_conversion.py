"""Zawgyi turned into Unicode, by the rules of the CLDR transform `my-t-my-s0-zawgyi`.

Zawgyi writes Burmese with the code points of Unicode but other meanings, in the order of the
eye: ေ and ြ before their consonant, asat where virama belongs, a code point for each stacked
letter. The facts of the table are CLDR's (copyright Unicode, Inc.; Unicode License v3,
https://www.unicode.org/license.txt), written anew here; the tests hold it against ICU itself.

A table is read as ICU reads one: it is a list of passes, and a pass goes once through the text
from left to right; at each place the first rule that fits is applied and reading goes on behind
what it wrote. A rule's quantifiers never give back what they took, so they are possessive here;
they count to 32 only, so that 50,000 vowels in a row take no longer than other texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_SOME = "{1,32}+"
_ANY = "{0,32}+"
_CONSONANT = "[\u1000-\u1021]"
_MEDIAL = "[\u103b-\u103e]"
_VOWEL = "[\u102b-\u1030\u1032]"
_SPACE = "[ \u00a0\u1680\u2000-\u200d\u2060\u202f\u205f\u3000\ufeff]"
_NO_DIGIT = r"(?:[^\u1040-\u1049]|\Z)"  # ICU's negated sets also fit the end of the text
_KINZI = "\u1004\u103a\u1039"

Rule = tuple[str, str]
"""What is sought, and what stands there instead; a digit 1–4 is what that group held."""


def _meanings() -> dict[str, str]:
    """The code points that mean something else whatever stands beside them."""
    wrong = "106A 106B 108F 1090 1086 1033 1034 1039 105A 106E 106F 1091 1092 1097 104E 108E"
    right = (
        "1009 100A 1014 101B 103F 102F 1030 103A 102B+103A 100D+1039+100D 100D+1039+100E "
        "100F+1039+100D 100B+1039+100C 100B+1039+100B 104E+1004+103A+1038 102D+1036"
    )
    pairs = zip(wrong.split(), right.split(), strict=True)
    return {chr(int(a, 16)): "".join(chr(int(c, 16)) for c in b.split("+")) for a, b in pairs}


_UNDER = {
    "\u1060": "\u1000",
    "\u1061": "\u1001",
    "\u1062": "\u1002",
    "\u1063": "\u1003",
    "\u1065": "\u1005",
    "\u1066": "\u1006",
    "\u1067": "\u1006",
    "\u1068": "\u1007",
    "\u1069": "\u1008",
    "\u106c": "\u100b",
    "\u106d": "\u100c",
    "\u1070": "\u100f",
    "\u1071": "\u1010",
    "\u1072": "\u1010",
    "\u1073": "\u1011",
    "\u1074": "\u1011",
    "\u1075": "\u1012",
    "\u1076": "\u1013",
    "\u1077": "\u1014",
    "\u1078": "\u1015",
    "\u1079": "\u1016",
    "\u107a": "\u1017",
    "\u107b": "\u1018",
    "\u1093": "\u1018",
    "\u107c": "\u1019",
    "\u1085": "\u101c",
    "\u1096": "\u1010\u103d",
}
"""A letter that hangs under another, and which it is."""

_NYA_CARRIES = "\u1061\u1062\u1065\u1068\u1076\u1078\u107a\u1079"
"""Under these ဥ (U+1025) is drawn for ဉ (U+1009)."""

_MAPPING: list[Rule] = [
    # Kinzi is typed behind its consonant, and may carry a vowel with it.
    (f"({_CONSONANT})\u103a\u1064", f"{_KINZI}1\u103b"),
    (f"({_CONSONANT})\u1064", f"{_KINZI}1"),
    ("\u1064", _KINZI),
    (f"({_CONSONANT})\u108b", f"{_KINZI}1\u102d"),
    (f"({_CONSONANT})\u108c", f"{_KINZI}1\u102e"),
    (f"({_CONSONANT})\u108d", f"{_KINZI}1\u1036"),
    (f"({_CONSONANT})\u103a\u1033\u108b", f"{_KINZI}1\u103b\u102d\u102f"),
    (f"({_CONSONANT})\u103a\u108b", f"{_KINZI}1\u103b\u102d"),
    (f"({_CONSONANT})\u103a\u108c", f"{_KINZI}1\u103b\u102e"),
    (f"({_CONSONANT})\u103a\u108d", f"{_KINZI}1\u103b\u1036"),
    (f"({_CONSONANT})\u103a\u108e", "1\u103b\u102d\u1036"),
    ("\u108b", f"{_KINZI}\u102d"),
    ("\u108c", f"{_KINZI}\u102e"),
    ("\u108d", f"{_KINZI}\u1036"),
    # The medials ya, ra, wa and ha.
    ("[\u103a\u107d]", "\u103b"),
    (f"[\u103b\u107e-\u1084]{_SOME}", "\u103c"),
    (f"\u103c{_ANY}\u108a", "\u103d\u103e"),
    ("\u103c", "\u103d"),
    ("[\u103d\u1087]", "\u103e"),
    ("\u1088", "\u103e\u102f"),
    ("\u1089", "\u103e\u1030"),
    ("[\u1094\u1095]", "\u1037"),
    ("\u1025\u1039", "\u1009\u103a"),
    *((f"\u1025{low}", f"\u1009\u1039{_UNDER[low]}") for low in _NYA_CARRIES),
]

_SINGLE = _meanings() | {low: f"\u1039{letter}" for low, letter in _UNDER.items()}

_DIGITS: list[Rule] = [  # zero and four typed for the letters that look like them
    (rf"\A\u1040({_NO_DIGIT})", "\u101d1"),
    (rf"\A\u1044(?={_NO_DIGIT})", "\u104e"),
    (rf"({_NO_DIGIT})\u1040\Z", "1\u101d"),
    (rf"({_NO_DIGIT})\u1044\Z", "1\u104e"),
    (f"([\u102b-\u103f])\u1040({_NO_DIGIT})", "1\u101d2"),
    (f"([\u102b-\u103f])\u1044({_NO_DIGIT})", "1\u104e2"),
]

_VOWEL_E: list[Rule] = [  # spaces before marks go, and ေ goes behind its consonant
    (f"({_SPACE})\u1037", "\u10371"),
    (f"{_SPACE}{_SOME}([\u102b-\u1030\u1032-\u103b\u103d\u103e])", "1"),
    (f"\u1037{_SOME}", "\u1037"),
    (f"\u1031{_SOME}{_KINZI}({_CONSONANT})", f"{_KINZI}1\u1031"),
    (f"\u1031{_SOME}\u1037{_SOME}({_CONSONANT})", "1\u1031\u1037"),
    (f"\u1031{_SOME}\u103c({_CONSONANT})", "1\u103c\u1031"),
    (f"\u1031{_SOME}({_CONSONANT})([\u103b\u103d\u103e]{_SOME})", "12\u1031"),
    (f"\u1031{_SOME}([\u1000-\u102a])", "1\u1031"),
]

_ORDER: list[Rule] = [
    ("\u103b\u103a", "\u103a\u103b"),
    ("\u1025\u102e", "\u1026"),
    ("\u103a\u1037", "\u1037\u103a"),
    (f"\u1036({_MEDIAL}{_ANY})({_VOWEL}{_SOME})", "12\u1036"),
    ("([\u102b\u102c\u102f\u1030])([\u102d\u102e\u1032])", "21"),
    (f"\u103c({_CONSONANT})", "1\u103c"),
]

_BEHIND_STACKS: list[Rule] = [
    (f"({_MEDIAL})\u1039({_CONSONANT})", "\u103921"),
    (f"\u103c\u103a\u1039({_CONSONANT})", "\u103a\u10391\u103c"),
    (f"\u1036({_MEDIAL}{_SOME})", "1\u1036"),
]

_MEDIALS: list[Rule] = [
    (f"([\u103c\u103d\u103e]{_SOME})\u103b", "\u103b1"),
    (f"([\u103d\u103e]{_SOME})\u103c", "\u103c1"),
    ("\u103e\u103d", "\u103d\u103e"),
    (f"(\u1031{_SOME})({_VOWEL}{_ANY})\u1039({_CONSONANT})", "\u1039312"),
    (f"({_VOWEL}{_SOME})\u1039({_CONSONANT})", "\u103921"),
    (f"({_MEDIAL}{_ANY})(\u1031{_SOME})({_MEDIAL}{_ANY})", "132"),
    (f"\u1037([\u102d-\u1030\u1032\u1036\u103b-\u103e]{_SOME})", "1\u1037"),
    (f"({_VOWEL}{_SOME})({_MEDIAL}{_SOME})", "21"),
    (f"({_CONSONANT})([\u102b-\u1032\u1036\u103b-\u103e])\u103a({_CONSONANT})", "1\u103a23"),
]

_VOWELS: list[Rule] = [
    ("\u1005\u103b", "\u1008"),
    (f"([\u102b-\u1032])({_MEDIAL})", "21"),
    ("([\u103c\u103d\u103e])\u103b", "\u103b1"),
    ("([\u103d\u103e])\u103c", "\u103c1"),
    ("\u103e\u103d", "\u103d\u103e"),
    ("\u1038([\u102b-\u1030\u1032\u1036\u1037\u103a-\u103f])", "1\u1038"),
    ("\u1036\u102f", "\u102f\u1036"),
]

_TWICE = "\u102d\u102e\u102f\u1030\u1032\u1036\u1037\u1039\u103a\u103b\u103c\u103d\u103e"

_LAST: list[Rule] = [
    *((f"{mark}{mark}{_SOME}", mark) for mark in _TWICE),
    ("\u102f[\u1030\u103a]", "\u102f"),
    ("\u102d\u102e", "\u102e"),
    (f"{_SPACE}{_SOME}([\u102b-\u1032\u1036-\u103e])", "1"),
    (rf"\A\u200b{_SOME}", ""),
    (rf"\u200b{_SOME}\Z", ""),
]

_TABLE = (_DIGITS, _VOWEL_E, _ORDER, _BEHIND_STACKS, _MEDIALS, _VOWELS, _LAST)


class _Pass(NamedTuple):
    wanted: re.Pattern[str]
    write: Callable[[re.Match[str]], str]


def _written(template: str, groups: tuple[str | None, ...]) -> str:
    return "".join((groups[int(c) - 1] or "") if c in "1234" else c for c in template)


def _pass(rules: list[Rule], single: Mapping[str, str] | None = None) -> _Pass:
    """All rules of a pass as one pattern: alternatives are tried in their order, as ICU does.

    `single` are its last rules, of one code point each; a set is quicker than many alternatives.
    """
    last = [f"[{''.join(single)}]"] if single else []
    wanted = re.compile("|".join([*(f"({pattern})" for pattern, _ in rules), *last]))
    of_group: dict[int | None, tuple[str, int]] = {}
    at = 1
    for pattern, template in rules:
        inner = re.compile(pattern).groups
        of_group[at] = (template, inner)
        at += inner + 1

    def write(found: re.Match[str]) -> str:
        rule = found.lastindex  # of the outermost group, which closed last
        if rule is None:
            return single[found[0]] if single else found[0]
        template, inner = of_group[rule]
        return _written(template, found.groups()[rule : rule + inner]) if inner else template

    return _Pass(wanted, write)


_PASSES = (_pass(_MAPPING, _SINGLE), *(_pass(rules) for rules in _TABLE))


def converted(text: str) -> str:
    """A text that is Zawgyi, in Unicode; a text that is Unicode already would be destroyed.

    Whether it is Zawgyi is never asked here: see `intake.taken_in`. Some words keep the digit ၀
    for the letter ဝ, as in ICU; `normalising.normalised` mends them.
    """
    for one in _PASSES:
        text = one.wanted.sub(one.write, text)
    return text
