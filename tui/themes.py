"""Two looks: bright signs on black for a dark hall, black on white for the sun. Both of high contrast (WCAG AAA)."""

from textual.theme import Theme

DARK = "trackside-dark"
LIGHT = "trackside-light"

THEMES = (
    Theme(
        name=DARK,
        primary="#5cc8ff",
        secondary="#ffb000",
        accent="#ffd24a",
        foreground="#ffffff",
        background="#000000",
        surface="#12151a",
        panel="#1d232b",
        success="#6fe0a0",
        warning="#ffc14d",
        error="#ff8f8f",
        dark=True,
        variables={
            "footer-key-foreground": "#ffd24a",
            "footer-background": "#1d232b",
            "block-cursor-background": "#ffd24a",
            "block-cursor-foreground": "#000000",
            "block-cursor-text-style": "bold",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#003f7f",
        secondary="#7a3e00",
        accent="#004f9e",
        foreground="#000000",
        background="#ffffff",
        surface="#f2f4f7",
        panel="#dfe4ea",
        success="#005a2b",
        warning="#7a4a00",
        error="#a00000",
        dark=False,
        variables={
            "footer-key-foreground": "#003f7f",
            "footer-background": "#dfe4ea",
            "block-cursor-background": "#003f7f",
            "block-cursor-foreground": "#ffffff",
            "block-cursor-text-style": "bold",
        },
    ),
)
