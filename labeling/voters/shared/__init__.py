"""What several kinds of voters use: types of options, columns of the table, from scores to votes."""
