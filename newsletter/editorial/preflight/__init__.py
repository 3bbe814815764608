"""Pre-flight: what a look at the finished thing finds, beyond what the rows of an issue tell.

Owns: judgements of texts, links, pages and messages, as values in and problems out; tried links.
Refuses: making messages (delivery), network (core.visiting, called from link_round only).
Doors: texts, links, pages, messages, link_checks, link_round. See docs/checks.md.
"""
