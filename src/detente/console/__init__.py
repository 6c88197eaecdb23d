"""The console's server side: the page's built files, sessions, and the one-time links that open them.

It has no road of its own to what the exchange knows: a session buys short tokens, and what a page shows is
asked for with those under ``/v1``, where every route names its scope. No other room believes a cookie.
"""
