"""One parser a format: columns of strings, the line of each row, and the rows that did not parse."""
