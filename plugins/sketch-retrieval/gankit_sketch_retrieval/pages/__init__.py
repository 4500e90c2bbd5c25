"""Whole scanned pages: reading, ink, proposals, and pages composed for tests."""
