"""Situations that word problems are made of, by their use: trained on, extracted from, only asked about."""
