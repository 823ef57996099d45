"""Lab 1, part 2: Irish folk tunes in ABC, read and written by a recurrent network."""
