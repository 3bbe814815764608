"""Pre-flight: each check with what fails it and what passes."""
