"""The newsroom: what an issue says, from the inbox to approval.

Owns: publications, categories, issues, editorials, resources, importing, assembling, checks.
Refuses: who receives it, how it travels, any output or exit code.
Doors: publications, inbox, importing, assembling, issues, checks, editions (→ rendering).
Words: issue, edition, editorial, resource, category, inbox, assemble, approve (freezes by hash).
"""
