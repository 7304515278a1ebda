"""What an end model learns from: which weak labels, corrected and balanced how."""
