"""Speed and memory, each beside its peer, measured in turns by one process and its children."""
