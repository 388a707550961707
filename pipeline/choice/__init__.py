"""How networks are searched, chosen and combined: what ``tune``, ``train``, ``ensemble``, ``columns`` and ``honest``
share."""
