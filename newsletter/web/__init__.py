"""The only place that knows HTTP: pages for readers, /hooks for providers, the desk later.

Owns: routes, forms, status codes, security headers. Refuses: rules; it calls the rooms below.
Doors: application (build the ASGI app), server (run it in a thread), public.
Words: GET shows, POST does.
"""
