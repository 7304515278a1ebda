"""What a report knows: hand labels against labels, voters and models."""
