"""Widgets that know no scenario: fields, tables, popups, menus, and text made plain for Qt.

Import any module; they import the theme and nothing above it.
"""
