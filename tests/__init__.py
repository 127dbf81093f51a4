"""Tests; rooms mirrored, fixtures are the demo's data."""
