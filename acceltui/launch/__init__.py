"""Starting an engine on a run folder."""
