"""Zones: volumes with a rule, such as a prohibited area or one that needs an authority's consent.

Holds what a zone is; never decides who may fly. The members are those of a UAS geographical zone
(EUROCAE ED-269, ED-318; F3548-21 GeoZone).
"""
