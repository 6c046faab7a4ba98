"""Results beside each other: what is measured of one, statistics of many, tables and pictures."""
