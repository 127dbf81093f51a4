"""Faults on purpose: kills, power cuts, full disks, slow ones, clocks that step, crowds."""
