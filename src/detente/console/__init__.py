"""The console's server side: sessions of people in a browser, and the one-time links that open them.

It shows nothing of its own: a session buys short tokens, and what a page shows is asked for with
those under ``/v1``. No route outside this room believes a cookie.
"""
