"""How a class is named in titles and file names."""


def class_title(factor: str, name: str) -> str:
    """Names a class of a factor so that it can stand alone: a number is told by its factor.

    >>> class_title("instrument", "violin"), class_title("octave", "4")
    ('violin', 'octave 4')
    """
    return f"{factor} {name}" if name.isdigit() else name
