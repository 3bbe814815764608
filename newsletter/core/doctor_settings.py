"""Settings of `newsletter doctor`: whom it asks for names, and what it cannot find out itself."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _listed(value: object) -> object:
    """A list, or the same as one text with commas, which is all that a variable can hold."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        raise ValueError(
            f"write the address of a machine, such as 192.0.2.1, not '{text}'"
        ) from None


def server_of(text: str) -> tuple[str, int]:
    """The address and port of a name server; ValueError says how to write one."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = text, "53"
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f"write a name server as 192.0.2.1 or 192.0.2.1:53, not '{text}'")
    return _address(host), int(port)


def _server(text: str) -> str:
    server_of(text)
    return text


Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_address)], ...], BeforeValidator(_listed)
]


class Doctor(BaseModel):
    """How the outside is looked at; nothing here has to be set."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    nameservers: Annotated[
        tuple[Annotated[str, AfterValidator(_server)], ...], BeforeValidator(_listed)
    ] = ()
    timeout: float = Field(default=5, gt=0, le=60)
    sending_addresses: Addresses = ()
    dkim_selectors: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Of keys that a relay or provider signs with, whose private halves are not here."""
