"""Room: the verbs of the field's discovery service in our words, and notices to subscribers elsewhere.

Decides who is to be told of a write, and keeps each notice until it is received. Speaks to nobody itself.
"""
