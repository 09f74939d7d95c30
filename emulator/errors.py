"""The one exception of the emulator."""


class EmulatorError(Exception):
    """It cannot do what was asked for; the text is what the operator reads."""
