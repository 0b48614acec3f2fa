"""The only room that prints: the terminal and its rules, documents, reports, progress, the contact sheet.

This file imports nothing: a caller takes the one module it needs, so that `--help` stays fast.
"""
