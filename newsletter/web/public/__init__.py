"""What a reader meets on the web: archive, unsubscribe, preferences."""
