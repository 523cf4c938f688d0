"""The two errors that a user can mend; the command line prints them as one line."""


class UserError(Exception):
    """Something outside the code stands in the way; the message is one line with the remedy."""

    exit_code = 1


class UsageError(UserError):
    """The command or its arguments are wrong."""

    exit_code = 2
