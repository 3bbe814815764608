"""Logs of ids, never of people: every line passes a filter that takes addresses out."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if "rich" in sys.modules:
    import structlog
else:
    # It draws rich in for tracebacks in colour that we never print: 6 MB of each process.
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog
    finally:
        del sys.modules["rich"]

if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:
    _StreamHandler = logging.StreamHandler

_ADDRESS = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+")
_TOKEN = re.compile(r"v1\.[a-z0-9]{1,8}\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)?")
_CODES = re.compile(r"\s*[2-5]\d\d(?:[ -]+[245]\.\d{1,3}\.\d{1,3})?(?=\s|$)")
_LONG = 4
_SHARED: list[Any] = []


def redact(text: str, recipient: str = "") -> str:
    """The text with anything like an address or a reader's token taken out.

    Servers also name a mailbox without its domain ("550 5.1.1 User jsmith unknown"): told the
    `recipient`, the local part goes too, with and without its +tag: wherever it stands, for it is
    in the names of files and of accounts too ("/var/mail/jsmith_old"); a short one as a word.
    """
    if recipient and _is_about_nobody(text, recipient):
        return text
    cleared = _TOKEN.sub("[token]", _ADDRESS.sub("[address]", text))
    return _without_local_part(cleared, recipient.rpartition("@")[0]) if recipient else cleared


def _is_about_nobody(text: str, recipient: str) -> bool:
    """Surely nothing to take out: a yes to one of a million messages costs no pattern of its own.

    Beyond ASCII upper and lower case are not two of a kind, so that only the patterns know.
    """
    if "@" in text or "v1." in text or not (text.isascii() and recipient.isascii()):
        return False
    local = recipient.rpartition("@")[0].lower()
    shortest = local.strip('"').partition("+")[0]
    return bool(shortest) and shortest not in text.lower()


def _without_local_part(text: str, local: str) -> str:
    names = {local, local.strip('"'), local.partition("+")[0]} - {""}
    if not names:
        return text
    longest_first = "|".join(map(_anywhere, sorted(names, key=len, reverse=True)))
    named = re.compile(rf"(\[address\]|\[token\])|{longest_first}", re.IGNORECASE)
    codes = _CODES.match(text)  # a mailbox may be called 550: what the server meant must stay
    start = codes.end() if codes else 0
    told, said = text[start:], ""
    while told != said:  # what is taken out may make a word of what stood beside it
        told, said = named.sub(lambda found: found[1] or "[address]", told), told
    return text[:start] + told


def _hold_none(text: str, names: set[str]) -> bool:
    """True when none of them can be found: asked for every message, and cheaper than a pattern.

    Beyond ASCII a letter may match one that `lower` does not give (ſ and S), so nothing is said.
    """
    if not text.isascii():
        return not names
    small = text.lower()
    return not any(name.lower() in small or not name.isascii() for name in names)


def _anywhere(name: str) -> str:
    """The pattern of a name; one of three letters would be found in half of all words."""
    pattern = re.escape(name)
    return pattern if len(name) >= _LONG else rf"(?<![^\W_]){pattern}(?![^\W_])"


def _redact_value(value: object) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {k: _redact_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_redact_value(v) for v in value]
    return value if isinstance(value, int | float | bool | None) else redact(str(value))


def _redactor(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _redact_value(value)
    return event


class _Modest(logging.Handler):
    """A handler that loses a line in silence when its disk is full or its reader is gone.

    The standard one prints a trace for each line; what filled the disk is said by whoever meets it.
    """

    lost = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's own name)
        """A mistake in our own line is still shown."""
        if isinstance(sys.exc_info()[1], OSError):
            self.lost = True
        else:
            super().handleError(record)

    def close(self) -> None:
        """What could not be written is tried once more at closing, and lost as quietly."""
        with contextlib.suppress(OSError):
            super().close()


class _ModestStream(_Modest, _StreamHandler):
    pass


class _ModestFile(_Modest, logging.handlers.RotatingFileHandler):
    pass


def configure(level: str = "INFO", *, file: Path | None = None, to_stderr: bool = True) -> None:
    """Send all logs, ours and the libraries', as JSON lines to a file and/or standard error.

    A file that cannot be opened or written is done without: the log stops nobody's work.
    """
    _SHARED[:] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    final = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _redactor,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handlers: list[logging.Handler] = []
    if to_stderr:
        handlers.append(_ModestStream(sys.stderr))
    if file is not None:
        with contextlib.suppress(OSError):
            handlers.append(_file_handler(file))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    for handler in handlers or [logging.NullHandler()]:
        handler.setFormatter(final)
        root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _file_handler(file: Path) -> logging.Handler:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _ModestFile(file, maxBytes=5_000_000, backupCount=3, encoding="utf-8")


def keeps() -> bool:
    """Whether there is a log file and everything so far could be written to it."""
    files = [one for one in logging.getLogger().handlers if isinstance(one, _ModestFile)]
    return bool(files) and not any(one.lost for one in files)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of this name; log ids and counts, never who."""
    found: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return found
