"""The console's server side: the page's built files, and what a browser needs beside ``/v1``.

It has no road of its own to what the exchange knows: what a page shows is asked for under ``/v1``,
where every route names its scope. The page's sources are in ``console/`` at the root.
"""
