"""From values to a message: MJML and Jinja2, plain text, Markdown, MIME.

Owns: every look and word of a mail, and its exact bytes on the wire.
Refuses: the database, the network, subscribers; knows only the values it is handed.
Doors: content (what goes in), edition (→ HTML, text, subject), message (→ bytes per recipient).
Words: letter (one edition's content), block (one language in it), placeholder (per recipient).
"""
