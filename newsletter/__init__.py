"""The newsletter service: what we say and how it goes out.

Rooms, from the cellar up: core and language; rendering and providers; editorial;
delivery; schedule; app; web and worker; cli. A room imports only from floors below.
"""

__version__ = "0.1.0"
