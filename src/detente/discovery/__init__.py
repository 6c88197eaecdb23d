"""The discovery service in our words: references, subscriptions, and who is down.

Serves what ASTM F3548-21 asks of a DSS, on the same plans and under the same locks as declarations.
"""
