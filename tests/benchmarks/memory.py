"""Resident memory of this process (Linux, proc(5))."""

from __future__ import annotations

from pathlib import Path


def forget_peak() -> float:
    """Begin a new measure of the highest; what is held now, in MB."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return megabytes("VmRSS")


def megabytes(name: str) -> float:
    """`VmRSS`, what is held now, or `VmHWM`, the most that was."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))
