"""Two demonstrations on a real exchange: a recorded day of flights, and a story told offline.

Nothing here decides anything: each act goes through the HTTP API with the token of a party, as any
user's would.
"""
