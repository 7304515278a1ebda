"""What an end model learns from: which weak labels, balanced how."""
