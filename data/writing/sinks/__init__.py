"""Where predictions go: files, standard output and database tables, each row once."""
