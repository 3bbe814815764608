"""Pure text: Burmese in Unicode, syllables, dates and digits, lists, cutting; no database.

Owns: the rules of writing in each language. Refuses: catalogues, markup, the network.
Doors: intake (what becomes of a text that someone brings), normalising, dates_digits, syllables,
reading_time, cutting, line_breaks, slugs. Behind intake: zawgyi, zawgyi_conversion, well_formed.
Words: orthographic syllable (the unit for cutting Burmese), house form (of dates), Zawgyi (an
encoding that means other letters by Unicode's code points), rime (the marks after a consonant).
"""
