"""The networks and the page of stage ``fashion_mnist``."""
