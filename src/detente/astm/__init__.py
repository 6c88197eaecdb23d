"""The wire of the field's standards: types, routes, the client that speaks to peers.

Translates and decides nothing.
"""
