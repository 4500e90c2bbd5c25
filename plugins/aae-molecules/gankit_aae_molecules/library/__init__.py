"""Libraries of molecules to screen."""
