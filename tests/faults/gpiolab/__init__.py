"""The private kernel: what boots it, and its first process."""
