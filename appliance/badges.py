"""
Badge codes: eight characters that sign somebody in, derived from the box's secret, so that nothing of them is stored.

Forty bits: with a thousand racers and the guesses that limits.py lets through, a hit takes centuries. Pure.
"""

import hashlib
import hmac

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs that nobody mixes up when reading aloud or typing: no 0, 1, I, O."""
LENGTH = 8


def badge_code(secret: bytes, person_id: str, serial: int) -> str:
    """The badge of a person, "ABCD-EFGH"; a new `serial` makes a new one."""
    digest = hmac.new(secret, f"trackside badge {person_id} {serial}".encode(), hashlib.sha256).digest()
    return code_from_bits(int.from_bytes(digest[:5], "big"))


def code_from_bits(bits: int) -> str:
    """Forty bits as a code with a dash in the middle."""
    signs = [ALPHABET[bits >> shift & 31] for shift in range(35, -1, -5)]
    return "".join(signs[:4]) + "-" + "".join(signs[4:])


def normal_code(text: str) -> str:
    """What somebody typed, as codes are written: any case, spaces and dashes anywhere."""
    signs = "".join(character for character in text.upper() if character.isalnum())
    return f"{signs[:4]}-{signs[4:]}" if len(signs) == LENGTH else signs
