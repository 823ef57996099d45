"""Rows -> what is read of them: tables, figures, the page and the blocks of README."""
