"""ASTM F3548-21, UTM USS interoperability: its messages, and their volumes as ours.

Read tolerantly: members that the standard does not know are ignored, null is absent.
"""
