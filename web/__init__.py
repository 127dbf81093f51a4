"""Pages for people, the JSON API and the live stream."""
