"""Parts of screens: each draws what it is given and knows nothing of the box."""
