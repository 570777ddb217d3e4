"""What the settings of two and of three languages share: English questions, each answered in one language."""
