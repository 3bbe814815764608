"""Whatever lies in a home and is not known to be harmless, overwritten and removed; secrets taken
out of settings."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from newsletter.core.database_errors import address
from newsletter.core.errors import InputError
from newsletter.core.private_files import own, sync
from newsletter.core.settings import Settings
from newsletter.editorial.picture_names import is_stored_name
from newsletter.safekeeping.blanking import blanked
from newsletter.safekeeping.home_files import SETTINGS

SECRETS = (("smtp", "password"), ("keys", "passphrase"), ("keys", "key"))
"""Settings that are taken out of newsletter.toml."""

_FILES = frozenset({SETTINGS, "worker.lock", "serve.lock", "running.lock", "this-is-a-demo"})
_DIRECTORIES = frozenset({"templates", "locale", "lost+found"})
_IMAGES = "media"
_DATABASE = ("", "-wal", "-shm", "-journal")
"""What stays. Lists, exports, copies of settings and of the database have any name and lie
anywhere: so not they are listed but what is none of them."""
_PIECE = 1 << 20


def shred_files(settings: Settings) -> list[str]:
    """Overwrite and remove everything but what stays; sentences for what is to be done by hand.

    What cannot be overwritten is removed nevertheless, and nothing stops the rest.
    """
    said: list[str] = []
    unread: list[OSError] = []
    for path in sorted(doomed(settings, unread.append)):
        said += _shred(path)
    for directory, _, _ in _walk(settings, None):
        if directory != settings.home:
            _remove_empty(directory)
    return [*said, *(_by_hand(err.filename, err) for err in unread)]


def forget_passwords(home: Path) -> list[str]:
    """Take the secrets out of newsletter.toml; a sentence when somebody has to do it by hand."""
    path = home / SETTINGS
    if not path.is_file():
        return []
    try:
        before = path.read_text(encoding="utf-8-sig")
        after = blanked(before, SECRETS, str(path))
        if after != before:
            _replace(path, after)
    except (InputError, UnicodeDecodeError, OSError) as err:
        return [f"{path}: take the passwords out by hand ({err})"]
    return []


def doomed(settings: Settings, unread: Callable[[OSError], object] | None = None) -> Iterator[Path]:
    """What `shred_files` takes; `unread` hears of directories that nobody may look into."""
    url = address(settings.database_url)
    own = os.path.realpath(url.database or "") if url.drivername == "sqlite" else ""
    database = {own + end for end in _DATABASE} if own else set()
    for directory, directories, names in _walk(settings, unread):
        top, media = directory == settings.home, directory == settings.home / _IMAGES
        links = [name for name in directories if (directory / name).is_symlink()]
        for name in (*names, *links):
            stays = (top and name in _FILES) or (media and is_stored_name(name))
            if not stays and os.path.realpath(directory / name) not in database:
                yield directory / name


def _walk(
    settings: Settings, unread: Callable[[OSError], object] | None
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """The directories that are looked through, the outermost first; never behind a link, and
    never those of the program itself, should it be installed inside the home."""
    package = Path(__file__).parents[1]
    program = {os.path.realpath(p) for p in (sys.prefix, package, package.parent / "subscribers")}
    for root, directories, names in os.walk(settings.home, onerror=unread):
        place = Path(root)
        directories[:] = [
            name
            for name in directories
            if not (place == settings.home and name in _DIRECTORIES)
            and os.path.realpath(place / name) not in program
        ]
        yield place, directories, names


def _remove_empty(directory: Path) -> None:
    for root, _, _ in os.walk(directory, topdown=False):
        try:
            os.rmdir(root)
        except OSError:
            continue  # something stays in it


def _shred(path: Path) -> list[str]:
    said = []
    try:
        kind = path.lstat().st_mode
        if stat.S_ISREG(kind):
            _overwrite(path)
        elif stat.S_ISLNK(kind):
            said.append(f"{path} was a link to {path.readlink()}: look what lies there")
    except FileNotFoundError:
        return []
    except OSError as err:
        said.append(
            f"{path} could not be overwritten before it was removed ({err.strerror}): its "
            "content may still lie on the disk"
        )
    try:
        path.unlink(missing_ok=True)
    except OSError as err:
        return [_by_hand(path, err)]
    return said


def _by_hand(path: object, err: OSError) -> str:
    return f"{path}: look what it holds and delete it by hand ({err.strerror})"


def _overwrite(path: Path) -> None:
    with _writable(path).open("r+b") as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(secrets.token_bytes(min(left, _PIECE)))
        file.flush()
        os.fsync(file.fileno())


def _writable(path: Path) -> Path:
    if not os.access(path, os.W_OK):
        path.chmod(0o600)
    return path


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{SETTINGS}.{secrets.token_hex(4)}")
    with open(fresh, "x", encoding="utf-8", opener=own) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _overwrite(path)
    fresh.replace(path)
    sync(path.parent)
