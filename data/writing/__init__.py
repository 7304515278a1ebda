"""Files that are whole or not there: tables, datasets, and the sinks of predictions."""
