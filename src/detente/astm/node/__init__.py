"""A party's own server: it decides here, writes at the exchange, and keeps the details of its plans itself.

Speaks ASTM F3548-21 to the exchange as any service does; decides nothing that ``detente.plans`` does not.
"""
