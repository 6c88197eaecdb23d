"""Zones: areas with a rule that a party publishes (constraints of ASTM F3548-21).

Decides who may write a zone and at which version; whether a plan may enter one is decided with the plan.
"""
