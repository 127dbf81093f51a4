"""The timekeeper's terminal; reaches the server over HTTP only. Empty until that room is built."""
