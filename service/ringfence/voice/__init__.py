"""Prompts as sound files: their words, a speech synthesiser, and Asterisk's folder of sounds."""
