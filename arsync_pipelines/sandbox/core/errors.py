"""What the sandbox refuses, in words for the person who started it."""


class SandboxError(Exception):
    """The sandbox cannot start or do as asked; the message says what to do. Print it without a traceback."""
