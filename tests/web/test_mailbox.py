"""The demo's mailbox: what was caught, shown without running or fetching anything."""

from __future__ import annotations

from email.message import EmailMessage

import httpx
import pytest

from tests.web.conftest import Site

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c636060606000000005000106a5f8450000000049454e44ae426082"
)


@pytest.fixture
def caught(site: Site) -> Site:
    """Three mails, one with a picture and a script in it."""
    directory = site.services.settings.home / "mailbox"
    directory.mkdir()
    for number, edition in enumerate(("en", "my", "en, my"), start=1):
        mail = EmailMessage()
        mail["Subject"] = f"Letter {number} <b>"
        mail["To"] = f"reader{number}@example.org"
        mail["Date"] = "Fri, 20 Nov 2026 03:00:00 +0000"
        mail.set_content("The plain text & more.\n")
        mail.add_alternative(
            '<html><head></head><body><script>top.location="/no"</script>'
            '<img src="cid:river@1"><a href="https://example.org/">out</a>'
            '<a class="n" href="#my">in</a></body></html>',
            subtype="html",
        )
        html = mail.get_payload()[1]  # type: ignore[index]
        assert isinstance(html, EmailMessage)
        html.add_related(PNG, "image", "png", cid="<river@1>")
        mail["Content-Language"] = edition
        data = f"X-Envelope-To: reader{number}@example.org\r\n".encode() + mail.as_bytes()
        (directory / f"{number:06d}.eml").write_bytes(data)
    return site


def test_the_list_and_its_filter(caught: Site, client: httpx.Client) -> None:
    every = client.get(f"{caught.url}/mailbox?l=en").text
    assert every.index("Letter 3") < every.index("Letter 2") < every.index("Letter 1")
    assert "&lt;b&gt;" in every
    both = client.get(f"{caught.url}/mailbox", params={"edition": "en+my"}).text
    assert "Letter 3" in both
    assert "Letter 1" not in both


def test_a_mail_under_its_tabs(caught: Site, client: httpx.Client) -> None:
    base = f"{caught.url}/mailbox/1"
    assert 'sandbox="allow-popups' in client.get(base).text
    assert "The plain text &amp; more." in client.get(base, params={"tab": "text"}).text
    assert "Content-Language" in client.get(base, params={"tab": "headers"}).text
    assert "Content-ID: &lt;river@1&gt;" in client.get(base, params={"tab": "source"}).text
    assert client.get(f"{base}/source").content.startswith(b"X-Envelope-To: reader1")
    for none in (
        "/mailbox/77",
        "/mailbox/-1",
        "/mailbox/1/part/none",
        "/mailbox/x",
        f"/mailbox/{10**30}",
    ):
        assert client.get(caught.url + none).status_code == 404


def test_the_html_can_show_its_picture_and_nothing_else(caught: Site, client: httpx.Client) -> None:
    page = client.get(f"{caught.url}/mailbox/1/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "; sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert '<base target="_blank">' in page.text
    assert '<a class="n" href="#my" target="_self">in</a>' in page.text
    assert page.text.count("_self") == 1
    picture = client.get(
        f"{caught.url}/mailbox/1/" + page.text.split('<img src="')[1].split('"')[0]
    )
    assert (picture.content, picture.headers["content-type"]) == (PNG, "image/png")
