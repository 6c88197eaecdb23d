"""Strategic deconfliction: declared activity against declared activity.

Decides whether a plan may stand beside every other in force, and how it could; never looks at live
positions. The states are those of an operational intent (ASTM F3548-21).
"""
