"""Encrypted files in the age format (age-encryption.org/v1), which `age` opens without us.

Locked for recipients (`age1…`) the stream is encrypted while it is written, in flat memory, and
this machine cannot open it again. Locked by a passphrase it is held in memory until its end,
because the library has no other way; so that form is bounded by `PASSPHRASE_LIMIT`.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Literal

import pyrage

from newsletter.core.errors import ConfigurationError, InputError
from newsletter.core.master_key import SHORTEST

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

PASSPHRASE_LIMIT = 512 * 2**20
"""Bytes that a passphrase locks at most; writing takes about three times as much memory."""

_MAGIC = b"age-encryption.org/v1\n"
_SCRYPT = b"-> scrypt "
_TOO_MUCH_WORK = "Excessive work parameter"
_PIECE = 1 << 16
_TRIES = 8
"""How often a passphrase is tried while the library says that it would take too long."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What closes a file: recipients, or a passphrase."""

    keys: tuple[pyrage.x25519.Recipient, ...] = ()
    text: str = ""

    @classmethod
    def passphrase(cls, text: str) -> Lock:
        """A lock that the same words open; InputError when they are too few."""
        return cls(text=_long_enough(text))

    @classmethod
    def recipients(cls, names: Sequence[str]) -> Lock:
        """A lock that any of these age recipients opens; InputError names one that is none."""
        if not names:
            raise InputError("recipients", "name at least one age recipient, such as age1…")
        return cls(keys=tuple(_recipient(name.strip()) for name in names))

    def __repr__(self) -> str:
        return f"Lock({'passphrase' if self.text else f'{len(self.keys)} recipients'})"


@dataclass(frozen=True, slots=True)
class Key:
    """What opens a file: identities (`AGE-SECRET-KEY-1…`), or a passphrase."""

    identities: tuple[pyrage.x25519.Identity, ...] = ()
    text: str = ""

    @classmethod
    def passphrase(cls, text: str) -> Key:
        """The words the file was locked with."""
        return cls(text=text)

    @classmethod
    def identity_file(cls, path: Path) -> Key:
        """The secret keys in a file made by `age-keygen`; InputError when there is none."""
        try:
            lines = path.read_text(encoding="utf-8-sig").split("\n")
        except UnicodeDecodeError as err:
            raise InputError(str(path), "this is no key file of age-keygen") from err
        except OSError as err:
            raise InputError(str(path), f"cannot be read: {err.strerror}") from err
        words = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        try:
            found = tuple(pyrage.x25519.Identity.from_str(word) for word in words)
        except pyrage.IdentityError as err:
            raise InputError(str(path), "this is no key file of age-keygen") from err
        if not found:
            raise InputError(str(path), "no AGE-SECRET-KEY-1… stands in this file")
        return cls(identities=found)

    def __repr__(self) -> str:
        return f"Key({'passphrase' if self.text else f'{len(self.identities)} identities'})"


@contextmanager
def writer(target: IO[bytes], lock: Lock) -> Iterator[BinaryIO]:
    """Something to write plain bytes into; `target` gets them encrypted.

    Whole only when the block ends well: after an exception the file is cut off and no reader
    takes it for complete. `target` is neither flushed to disk nor closed. An OSError of `target`
    (disk full) is raised as it came.
    """
    opened = _held(target, lock.text) if lock.text else _streamed(target, list(lock.keys))
    with opened as plain:
        yield plain


@contextmanager
def reader(source: IO[bytes], key: Key) -> Iterator[BinaryIO]:
    """Something to read the plain bytes from; InputError when `key` does not open it.

    What was read counts only once the end was reached: a file that was cut off or altered is an
    InputError at that place. Whoever acts on the bytes before must be able to take it back.
    """
    opened = _unheld(source, key.text) if key.text else _unstreamed(source, list(key.identities))
    with opened as plain:
        yield plain


def locked_by(path: Path) -> Literal["passphrase", "recipients"]:
    """How a file is locked, to ask for the right thing; InputError when it is no age file."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC) + len(_SCRYPT))
    except OSError as err:
        raise InputError(str(path), f"cannot be read: {err.strerror}") from err
    if not head.startswith(_MAGIC):
        raise InputError(str(path), "this is no file encrypted by age")
    return "passphrase" if head.endswith(_SCRYPT) else "recipients"


def _long_enough(text: str) -> str:
    if len(text) < SHORTEST:
        raise InputError(
            "passphrase",
            f"it has {len(text)} characters; take at least {SHORTEST}, better six words",
        )
    return text


def _recipient(name: str) -> pyrage.x25519.Recipient:
    if name.upper().startswith("AGE-SECRET-KEY-"):
        raise InputError(
            "recipients",
            "this is a secret key; keep it off this machine and write its public half here, the "
            "line '# public key: age1…' beside it",
        )
    try:
        return pyrage.x25519.Recipient.from_str(name)
    except pyrage.RecipientError as err:
        raise InputError(
            "recipients",
            f"'{name}' is no age recipient; one begins with age1 ('age-keygen -o FILE' makes it)",
        ) from err


class _Thread(threading.Thread):
    """The library at the other end of a pipe; `failure` is why it stopped early."""

    def __init__(self, work: Callable[[], None], end: IO[bytes]) -> None:
        super().__init__(name="age", daemon=True)
        self._work, self._end = work, end
        self.failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
            self._end.close()
        except BaseException as err:  # noqa: BLE001 - raised by whoever is at our end of the pipe
            self.failure = err
            with suppress(OSError):
                self._end.close()


class _Watched:
    """A file in the library's hands. The library wraps what goes wrong with it in errors of its
    own; here the real one is kept. Given up, it ends with an error and not as a file does."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: OSError | None = None
        self.given_up = False

    def read(self, size: int = -1) -> bytes:
        try:
            piece = self._file.read(size)
        except OSError as err:
            self.error = err
            raise
        if not piece and self.given_up:
            raise ValueError("given up")
        return piece

    def write(self, piece: bytes) -> int:
        try:
            return self._file.write(piece)
        except OSError as err:
            self.error = err
            raise

    def flush(self) -> None:
        """Left to the owner of the file."""


@contextmanager
def _streamed(target: IO[bytes], recipients: list[pyrage.x25519.Recipient]) -> Iterator[BinaryIO]:
    outlet, inlet = _pipe()
    source, sink = _Watched(outlet), _Watched(target)
    thread = _Thread(lambda: pyrage.encrypt_io(source, sink, recipients), outlet)
    try:
        yield inlet
        inlet.close()
    except BaseException:
        source.given_up = True
        raise
    finally:
        with suppress(OSError):
            inlet.close()
        thread.join()
        if sink.error is not None:
            raise sink.error
    if thread.failure is not None:
        raise thread.failure


@contextmanager
def _unstreamed(source: IO[bytes], identities: list[pyrage.x25519.Identity]) -> Iterator[BinaryIO]:
    outlet, inlet = _pipe()
    watched = _Watched(source)
    thread = _Thread(lambda: pyrage.decrypt_io(watched, inlet, identities), inlet)
    with outlet:
        plain = io.BufferedReader(_Decrypted(outlet, thread, watched), _PIECE)
        try:
            yield plain
            _drain(plain)
        finally:
            outlet.close()
            thread.join()


class _Decrypted(io.RawIOBase):
    """Our end of the pipe: the end of the file is believed only if the library says so too."""

    def __init__(self, outlet: BinaryIO, thread: _Thread, source: _Watched) -> None:
        self._outlet, self._thread, self._source = outlet, thread, source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        piece = self._outlet.read1(len(memoryview(buffer)))  # type: ignore[attr-defined]
        if not piece:
            self._thread.join()
            if self._source.error is not None:
                raise self._source.error
            if self._thread.failure is not None:
                raise _refusal(self._thread.failure) from self._thread.failure
        memoryview(buffer)[: len(piece)] = piece
        return len(piece)


@contextmanager
def _held(target: IO[bytes], text: str) -> Iterator[BinaryIO]:
    plain = _Bounded()
    yield plain
    with plain.getbuffer() as whole:
        target.write(pyrage.passphrase.encrypt(bytes(whole), text))


@contextmanager
def _unheld(source: IO[bytes], text: str) -> Iterator[BinaryIO]:
    # A few hundred bytes for the header, and 16 for each 64 KiB, more than what was locked.
    locked = source.read(PASSPHRASE_LIMIT + PASSPHRASE_LIMIT // 4096 + _PIECE)
    yield io.BytesIO(_patiently_decrypted(locked, text))


def _patiently_decrypted(locked: bytes, text: str) -> bytes:
    for left in reversed(range(_TRIES)):
        try:
            return bytes(pyrage.passphrase.decrypt(locked, text))
        except (pyrage.DecryptError, OSError) as err:
            # The library measures this machine each time; other work makes it seem too slow.
            if not (left and _TOO_MUCH_WORK in str(err)):
                raise _refusal(err, "the passphrase is not the one it was locked with") from err
    raise AssertionError("the last try returns or raises")


class _Bounded(io.BytesIO):
    def write(self, piece: Buffer, /) -> int:
        if self.tell() + len(memoryview(piece)) > PASSPHRASE_LIMIT:
            raise ConfigurationError(
                f"a passphrase locks at most {PASSPHRASE_LIMIT >> 20} MB; lock it for an age "
                "recipient instead (--to age1…, or recipients under [backup] in newsletter.toml)"
            )
        return super().write(piece)


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    outlet, inlet = os.pipe()
    return os.fdopen(outlet, "rb"), os.fdopen(inlet, "wb")


def _drain(plain: IO[bytes]) -> None:
    while plain.read(_PIECE):
        pass


def _refusal(err: BaseException, foreign: str = "none of the given keys opens it") -> InputError:
    """What the library's words mean. Once the header was opened, only damage is left."""
    said = str(err)
    if "No matching keys" in said or "Decryption failed" in said:
        return InputError("file", foreign)
    if _TOO_MUCH_WORK in said:
        return InputError(
            "file",
            "this machine is too slow for its passphrase now, and a faster or less busy one locked "
            "it; try again when nothing else runs here, or open it with 'age --decrypt' elsewhere",
        )
    return InputError("file", "it is damaged or not whole; nothing of it can be trusted")
