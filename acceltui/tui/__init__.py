"""The dashboard: reads run folders, never imports the engine."""
