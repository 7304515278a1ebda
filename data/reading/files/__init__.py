"""From a name or a pipe to bytes and text: which files, packed how, in which encoding."""
