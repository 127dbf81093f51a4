"""Pages for people: one controller per noun, one template per page; forms work without script."""
