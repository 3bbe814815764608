"""Mails as they come back: the shapes of Postfix, Exim, Exchange, Gmail, qmail and old Sendmail."""

from __future__ import annotations

from newsletter.delivery.message_ids import RETURN_PATH, unique

SECRET = b"s" * 32
READER = "jane.reader@reader.example"


def path(number: int, secret: bytes = SECRET) -> str:
    """The return path of a delivery."""
    return f"bounces+{unique(secret, number, RETURN_PATH)}@news.example"


def original(number: int, secret: bytes = SECRET) -> str:
    """The header of a message of ours, as it comes back."""
    return (
        f"Return-Path: <{path(number, secret)}>\n"
        "Received: by mx.reader.example (Postfix, from userid 0) id 4Zt1;\n"
        "\tFri, 20 Nov 2026 09:00:05 +0000 (UTC)\n"
        f"From: The Weekly <weekly@news.example>\nTo: {READER}\n"
        f"Message-ID: <{unique(secret, number)}@news.example>\n"
        "Subject: =?utf-8?b?4YCZ4YCE4YC64YC54YCC4YCc4YCs4YCV4YCr?=\n"
        "List-Unsubscribe: <https://news.example/u/v1.k1.x>,\n"
        " <mailto:leave@news.example?subject=leave%20v1.k1.x>\n"
        "MIME-Version: 1.0\nContent-Type: text/plain\n"
    )


def postfix(
    to: str,
    returned: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    said: str = f"smtp; 550 5.1.1 <{READER}>: Recipient address rejected: no such mailbox",
    sender: str = "",
) -> bytes:
    """A report of Postfix, as its cleanup writes it."""
    return _mail(f"""\
Return-Path: <{sender}>
X-Original-To: {to}
Delivered-To: bounces@news.example
Received: by mx.news.example (Postfix) id 5E8A1;\tFri, 20 Nov 2026 09:00:06 +0000 (UTC)
Date: Fri, 20 Nov 2026 09:00:06 +0000 (UTC)
From: MAILER-DAEMON@mx.news.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="5E8A1.1763629206/mx.news.example"
Content-Transfer-Encoding: 8bit
Message-Id: <20261120090006.5E8A1@mx.news.example>

This is a MIME-encapsulated message.

--5E8A1.1763629206/mx.news.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

What you sent did not arrive, says the mail system at host mx.news.example.

<{READER}>: host mx.reader.example[192.0.2.7] said: {said.partition("; ")[2]} (in reply to RCPT TO)

--5E8A1.1763629206/mx.news.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.news.example
X-Postfix-Queue-ID: 5E8A1
X-Postfix-Sender: rfc822; {to}
Arrival-Date: Fri, 20 Nov 2026 09:00:05 +0000 (UTC)

Final-Recipient: rfc822; {READER}
Original-Recipient: rfc822;{READER}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.reader.example
Diagnostic-Code: {said}

--5E8A1.1763629206/mx.news.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{returned}
--5E8A1.1763629206/mx.news.example--
""")


def exchange(to: str, returned: str) -> bytes:
    """A report of Exchange Online: localised words, its status part in base64 at times."""
    from base64 import encodebytes

    status = (
        "Reporting-MTA: dns;MW2.prod.outlook.example\r\nReceived-From-MTA: dns;mx.news.example\r\n"
        "Arrival-Date: Fri, 20 Nov 2026 09:00:05 +0000\r\n\r\n"
        f"Original-Recipient: rfc822;{READER}\r\n\r\nFinal-Recipient: rfc822;{READER}\r\n"
        "Action: failed\r\nStatus: 5.1.10\r\n"
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not\r\n"
        " found by SMTP address lookup\r\n"
    )
    return _mail(f"""\
From: <postmaster@outlook.example>
To: <{to}>
Date: Fri, 20 Nov 2026 09:00:07 +0000
Return-Path: <>
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="b5a3_outlook"
Content-Language: my-MM
Message-ID: <7b2c@MW2.prod.outlook.example>
Subject: Undeliverable: =?utf-8?b?4YCZ4YCE4YC6?=
Auto-Submitted: auto-replied
MIME-Version: 1.0

--b5a3_outlook
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="alt_outlook"

--alt_outlook
Content-Type: text/plain; charset="us-ascii"

It could not be brought to {READER}.

--alt_outlook
Content-Type: text/html; charset="us-ascii"

<p>It could not be brought.</p>

--alt_outlook--

--b5a3_outlook
Content-Type: message/delivery-status
Content-Transfer-Encoding: base64

{encodebytes(status.encode()).decode()}
--b5a3_outlook
Content-Type: message/rfc822

{returned}
--b5a3_outlook--
""")


def gmail(to: str, returned: str) -> bytes:
    """A report of Gmail: a related part with a picture inside the report."""
    return _mail(f"""\
Delivered-To: {to}
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
To: {to}
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
In-Reply-To: <someone-elses@news.example>
Message-ID: <691f.050a@mx.google.example>
Date: Fri, 20 Nov 2026 01:00:08 -0800 (PST)
Content-Type: multipart/report; boundary="000000000000a1"; report-type=delivery-status

--000000000000a1
Content-Type: multipart/related; boundary="000000000000a2"

--000000000000a2
Content-Type: multipart/alternative; boundary="000000000000a3"

--000000000000a3
Content-Type: text/plain; charset="UTF-8"

The address was not found.

--000000000000a3--
--000000000000a2
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=

--000000000000a2--
--000000000000a1
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.example
Arrival-Date: Fri, 20 Nov 2026 01:00:07 -0800 (PST)

Final-Recipient: rfc822; {READER}
Action: failed
Status: 5.2.1
Remote-MTA: dns; mx.reader.example. (192.0.2.7, the server for the domain reader.example.)
Diagnostic-Code: smtp; 550-5.2.1 The email account that you tried to reach is inactive. Learn
 550 5.2.1 more - gsmtp
Last-Attempt-Date: Fri, 20 Nov 2026 01:00:08 -0800 (PST)

--000000000000a1
Content-Type: message/rfc822

{returned}
--000000000000a1--
""")


def exim(to: str, returned: str) -> bytes:
    """An older Exim: no report, one text with all of it."""
    return _mail(f"""\
Return-path: <>
Envelope-to: {to}
Delivery-date: Fri, 20 Nov 2026 09:00:09 +0000
X-Failed-Recipients: {READER}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@exim.example>
To: {to}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1kfXk-0001aB-7c@exim.example>
Date: Fri, 20 Nov 2026 09:00:09 +0000

This message was made by a machine (Exim 4.94.2).

Your message reached none of these. This is a permanent error:

  {READER}
    host mx.reader.example [5.1.1.9]
    SMTP error from remote mail server after RCPT TO:<{READER}>:
    550 5.1.1 no such user

------ This is a copy of your message, including all the headers. ------

{returned}
The text of it.
""")


def exim_delayed(to: str, returned: str) -> bytes:
    """Exim's warning while it goes on trying."""
    return _mail(f"""\
Return-path: <>
Envelope-to: {to}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@exim.example>
To: {to}
Subject: Warning: message 1kfXk-0001aB-7c delayed 24 hours

A message has waited for 24 hours on exim.example. No action is required on your part.

  {READER}
    Delay reason: 451 4.7.1 Greylisted, come back

------ This is a copy of your message, including all the headers. ------
{returned}
""")


def qmail(to: str, returned: str) -> bytes:
    """The text of qmail-send."""
    return _mail(f"""\
Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@qmail.example
To: {to}
Subject: failure notice
Date: 20 Nov 2026 09:00:10 -0000

Hi. Here speaks the qmail-send program at qmail.example. I was not able to deliver it.
It is a permanent error; I've given up. Sorry it did not work out.

<{READER}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

{returned}
The text of it.
""")


def sendmail(to: str, returned: str) -> bytes:
    """Sendmail 8.8 and before, without a report."""
    return _mail(f"""\
Return-Path: <MAILER-DAEMON@sendmail.example>
Received: from localhost (localhost) by sendmail.example (8.8.8/8.8.8) for <{to}>
From: Mail Delivery Subsystem <MAILER-DAEMON@sendmail.example>
To: The Weekly
Subject: Returned mail: User unknown

   ----- The following addresses had permanent fatal errors -----
<{READER}>

   ----- Transcript of session follows -----
... while talking to mx.reader.example.:
>>> RCPT To:<{READER}>
<<< 550 <{READER}>... User unknown

   ----- Original message follows -----

{returned}
""")


def complaint(to: str, returned: str, *, kind: str = "abuse", mail_from: str = "") -> bytes:
    """A feedback report (RFC 5965), as a large provider sends it."""
    told = f"Original-Mail-From: <{mail_from}>\n" if mail_from else ""
    return _mail(f"""\
Return-Path: <feedback@arf.mail.example>
From: <feedback@arf.mail.example>
To: <{to}>
Date: Sat, 21 Nov 2026 08:00:00 +0000
Subject: FW: The Weekly
Message-ID: <fbl-1@arf.mail.example>
Content-Type: multipart/report; report-type=feedback-report; boundary="fbl"

--fbl
Content-Type: text/plain; charset="us-ascii"

Somebody called this spam.

--fbl
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Example/1.0
Version: 1
{told}Original-Rcpt-To: <{READER}>

--fbl
Content-Type: message/rfc822
Content-Disposition: inline

{returned}
--fbl--
""")


def vacation(to: str, *, mark: str = "Auto-Submitted: auto-replied (vacation)") -> bytes:
    """The answer of somebody on leave, to the return path as RFC 3834 wants it."""
    return _mail(f"""\
Return-Path: <>
Delivered-To: {to}
From: Jane <{READER}>
To: {to}
{mark}
Subject: Away (Re: The Weekly)
Content-Type: text/plain

I am back on 5.1.1 or so, in room 550 5.1.1. Write to {READER}.
""")


def letter(to: str, *, subject: str = "Hello", text: str = "Good day!") -> bytes:
    """What a person writes."""
    return _mail(f"""\
Return-Path: <{READER}>
From: Jane <{READER}>
To: {to}
Message-ID: <letter@reader.example>
Subject: {subject}

{text}
""")


def _mail(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
