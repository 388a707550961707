"""The files, networks and page of stage ``imdb``."""
