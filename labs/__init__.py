"""The labs of MIT 6.S191 in lean form: the solution is the source, student notebooks are built from it."""
