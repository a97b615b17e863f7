"""Pictures of what the models hear and make."""
