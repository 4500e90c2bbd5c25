"""Candidates: molecules of a library that resemble what was generated, and figures of them as a set."""
