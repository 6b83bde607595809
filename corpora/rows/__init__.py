"""Arrow rows {text or words, tags}: how readers make them, and what their columns hold."""
