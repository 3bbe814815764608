"""Markdown of editorials: to HTML, to plain text, and plain text back to Markdown.

CommonMark without raw HTML. Links lead to http, https and mailto only, others lose their link
and keep their words; images are never fetched, so their alternative text stands instead; notes
are written `[^1]`. Headings sink below the title under which the editorial stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape as html_escape

from markdown_it import MarkdownIt
from markdown_it.common.utils import isPunctChar
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.rules_inline import StateInline, state_inline
from markdown_it.token import Token

NOTE = re.compile(r"\[\^([^\]\[\s\\]{1,16})\]")
BARE_URL = re.compile(r"https?://[!#-&(-;=?-~]*[#$%&*+/0-9=@A-Z_a-z~-]")
"""An address of a web page in a text; the point after it belongs to the sentence."""
_DEEPEST = 16
"""Lists and quotations within each other, a list counting twice; markers of deeper ones stay
text. The parser ends at 20 by itself, and then leaves out all the rest without a word."""
_HEADED = "=="
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def _punctuation(ch: str) -> bool:
    return not "\u104a" <= ch <= "\u104f" and isPunctChar(ch)


# CommonMark's flanking rule refuses `**မြန်မာ။**စာ` because ။ is punctuation and စ is a letter;
# Burmese writes no space there. The function is looked up in this module only by the scanner.
state_inline.isPunctChar = _punctuation  # type: ignore[attr-defined]


def _note_rule(state: StateInline, silent: bool) -> bool:
    match = NOTE.match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        token = state.push("note", "sup", 0)
        token.content = match[1]
    state.pos = match.end()
    return True


def _lists(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level < _DEEPEST and list_block(state, start, end, silent)


def _quotations(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level < _DEEPEST and blockquote(state, start, end, silent)


def _any_link(url: str) -> bool:  # noqa: ARG001
    return True  # what may not be a link is taken out of the tokens, so that its words stay


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False})
    parser.validateLink = _any_link  # type: ignore[method-assign]
    parser.inline.ruler.before("link", "note", _note_rule)
    interrupting = ["paragraph", "reference", "blockquote"]
    parser.block.ruler.at("list", _lists, {"alt": interrupting})
    parser.block.ruler.at("blockquote", _quotations, {"alt": [*interrupting, "list"]})
    return parser


_PARSER = _parser()


def _tokens(markdown: str) -> list[Token]:
    tokens = _PARSER.parse(markdown)
    for token in tokens:
        if token.type == "inline" and token.children:
            token.children = list(_only_good_links(token.children))
    return tokens


def _only_good_links(children: Iterable[Token]) -> Iterable[Token]:
    kept: list[bool] = []
    for token in children:
        if token.type == "text" and not kept and (pieces := _bare_links(token)):
            yield from pieces
            continue
        if token.type == "link_open":
            kept.append(_LINK.match(str(token.attrs.get("href", ""))) is not None)
            token.attrs.pop("title", None)
        if token.type in ("link_open", "link_close"):
            good = kept[-1] if token.type == "link_open" else kept.pop()
            if not good:
                continue
        yield token


def _bare_links(token: Token) -> list[Token]:
    """A text in which addresses of web pages stand, as text and links; empty without any."""
    pieces: list[Token] = []
    end = 0
    for match in BARE_URL.finditer(token.content):
        before, shown = token.content[end : match.start()], match[0]
        pieces += [Token("text", "", 0, content=before)] if before else []
        pieces.append(Token("link_open", "a", 1, attrs={"href": shown}))
        pieces += [Token("text", "", 0, content=shown), Token("link_close", "a", -1)]
        end = match.end()
    rest = token.content[end:]
    return [*pieces, Token("text", "", 0, content=rest)] if pieces and rest else pieces


def note_id(prefix: str, mark: str) -> str:
    """The name of a note in a page; the prefix keeps two languages in one mail apart."""
    return f"{prefix}-n{re.sub(r'[^A-Za-z0-9]', lambda m: f'_{ord(m[0]):x}', mark)}"


def to_html(
    markdown: str,
    marks: Iterable[str] = (),
    *,
    prefix: str = "t",
    level: int = 1,
    styles: Mapping[str, str] | None = None,
) -> str:
    """HTML of an editorial that stands under a heading of `level`.

    `marks` are the notes there are: their `[^1]` becomes a superscript link to
    `#<prefix>-n1` with the id `<prefix>-n1-r` (only the first use), others stay as plain text.
    `styles` are written at the elements of their names: {"h3": "margin:0", "sup": "…"}.
    """
    known = dict.fromkeys(marks, False)
    worn = styles or {}
    tokens = _tokens(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + level)}"
        if token.nesting >= 0 and token.tag in worn:
            token.attrSet("style", worn[token.tag])
        for child in token.children or ():
            _prepare(child, known, prefix, worn)
    html: str = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return html.strip()


def _prepare(token: Token, known: dict[str, bool], prefix: str, worn: Mapping[str, str]) -> None:
    if token.nesting == 1 and token.tag in worn:
        token.attrSet("style", worn[token.tag])
    elif token.type == "image":
        token.type, token.content = "text", _plain(token.children or ())
    elif token.type == "note":
        mark = token.content
        token.type, token.content = "html_inline", html_escape(f"[{mark}]")
        if mark in known:
            name = note_id(prefix, mark)
            back = "" if known[mark] else f' id="{name}-r"'
            known[mark] = True
            style = f' style="{html_escape(worn["sup"])}"' if "sup" in worn else ""
            mark = f'<sup{style}><a href="#{name}"{back}>{token.content}</a></sup>'
            token.content = f"&#8288;{mark}"  # U+2060, or the mark may start a line alone


def _plain(children: Iterable[Token]) -> str:
    return "".join(map(_piece, children))


def _addresses(children: Iterable[Token]) -> str:
    """Each link whose words are not its address, on two lines of its own: words and address."""
    found = ""
    words: list[str] = []
    href = ""
    for token in children:
        if token.type == "link_open":
            href, words = str(token.attrs["href"]), []
        elif token.type == "link_close":
            shown = "".join(words)
            if shown not in (href, href.removeprefix("mailto:")):
                found += f"\n→ {shown}\n{href}"
        else:
            words.append(_piece(token))
    return found


def _piece(token: Token) -> str:
    if token.type == "note":
        return f"[{token.content}]"
    if token.type == "image":
        return _plain(token.children or ())
    return {"softbreak": " ", "hardbreak": "\n"}.get(token.type, token.content)


def plain_blocks(markdown: str) -> list[str]:
    """The plain text of each block (paragraph, heading, list item), notes as `[1]`."""
    return [text for token in _tokens(markdown) if (text := _block(token))]


def _block(token: Token, *, urls: bool = False) -> str:
    if token.type == "inline":
        children = token.children or ()
        return _plain(children) + (_addresses(children) if urls else "")
    return token.content.rstrip("\n") if token.type in ("fence", "code_block") else ""


def to_text(markdown: str) -> str:
    """Plain text for mail: blocks parted by empty lines, marks of headings, lists and quotes
    kept, the addresses of links on lines of their own after the block. Nothing is wrapped:
    Burmese must not be."""
    text = ""
    nest: list[str] = []
    mark, tight, was_tight = "", False, False
    for token in _tokens(markdown):
        mark = _nest(token, nest) or mark
        was_tight = was_tight and bool(nest)
        if token.type == "paragraph_open":
            tight = token.hidden  # so markdown-it marks the items of a list without empty lines
        elif found := _block(token, urls=True):
            quote = "> " * nest.count("blockquote")
            between = "\n" if tight and was_tight else "\n\n"
            shown = _headed(found) if mark == _HEADED else mark + found
            text += (between if text else "") + quote + shown.replace("\n", f"\n{quote}")
            mark, tight, was_tight = "", False, tight
    return text


def _headed(found: str) -> str:
    """As the templates write their own headings; the address of a link in it stays below."""
    words, line, addresses = found.partition("\n")
    return f"== {words} =={line}{addresses}"


def _nest(token: Token, nest: list[str]) -> str:
    kind = token.type.removesuffix("_open")
    if kind in ("blockquote", "bullet_list", "ordered_list") and token.nesting == 1:
        nest.append(kind)
    elif token.type in ("blockquote_close", "bullet_list_close", "ordered_list_close"):
        nest.pop()
    elif token.type == "heading_open":
        return _HEADED
    elif token.type == "list_item_open":
        indent = "  " * (sum(entry.endswith("list") for entry in nest) - 1)
        return indent + (f"{token.info}. " if nest[-1] == "ordered_list" else "- ")
    return ""


_ANYWHERE = re.compile(r"[\\`*\[\]<]|&(?=[#A-Za-z])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_FIRST = re.compile(r"[#+\->=~|]")
_NUMBERED = re.compile(r"(\d{1,9})([.)])")


def escape(plain: str) -> str:
    """Markdown that shows one line of plain text exactly as it is.

    `plain_blocks(escape(p)) == [p]` for any line without white space at its ends and without
    control characters. Only what CommonMark would read is escaped, so that editors can read it.
    """
    text = _ANYWHERE.sub(lambda match: f"\\{match[0]}", plain)
    if _FIRST.match(text):
        return f"\\{text}"
    return _NUMBERED.sub(r"\1\\\2", text, count=1) if _NUMBERED.match(text) else text
