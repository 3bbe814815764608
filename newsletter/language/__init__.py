"""Pure text: digits and dates, syllables, reading time, lists, cutting; no database, no network.

Owns: the rules of writing in each language. Refuses: catalogues, markup.
Doors: dates_digits, syllables, reading_time, cutting.
Words: orthographic syllable (the unit for cutting Burmese), house form (of dates).
"""
