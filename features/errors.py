"""The one exception whose message is written for a person."""


class UserError(Exception):
    """What is wrong, where (file, column, row, value), what was expected and the cure, in one to three lines.

    Stages print it after ``error:`` and exit with code 1; a traceback is shown with ``--debug`` only.
    """
