"""A recipe says what to train: schema, loading, errors, overrides."""
